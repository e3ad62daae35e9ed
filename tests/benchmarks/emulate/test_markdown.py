"""The counts as a table for a page."""

from __future__ import annotations

import dataclasses

import pytest

from benchmarks.configurations import Configuration
from benchmarks.emulate.markdown import count_table, ratio_to


@pytest.fixture
def rows(emulation_report):
    """Graph -> cells of its row."""
    lines = count_table(emulation_report).splitlines()[2:]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {row[1]: row for row in cells}


def test_processors_stand_side_by_side(emulation_report, rows):
    head = count_table(emulation_report).splitlines()[0]
    assert head == (
        "| engine | graph | A76 | / no map | / float | / bound | A72 | / no map | / float | "
        "/ bound | bits as on x86 |"
    )
    assert rows["INT8"][:6] == ["ONNX Runtime 1.2.3", "INT8", "1.0", "", "0.25", "20000.00"]
    assert rows["INT8"][6:10] == ["3.0", "", "", ""]


def test_a_map_is_compared_with_the_graph_without(rows):
    assert rows["INT8, gradient"][2:5] == ["2.5", "2.50", ""]


def test_what_was_not_counted_on_a_processor_is_empty(rows):
    assert rows["float"][6:10] == [""] * 4


def test_bits_are_the_same_only_if_they_are_on_every_processor(emulation_report, make_count):
    other = make_count(processor="cortex-a72", outputs_as_here=False)
    report = dataclasses.replace(emulation_report, counts=(make_count(), other))
    assert count_table(report).splitlines()[-1].endswith("| no |")


def test_a_ratio_to_what_was_not_counted_is_none(emulation_report):
    count = emulation_report.counts[1]
    assert count.configuration == Configuration("onnx", "int8", "gradient")
    assert ratio_to(emulation_report, count, "int8", "none") == 2.5
    assert ratio_to(emulation_report, count, "int8", "cam") is None
