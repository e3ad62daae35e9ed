"""The table of `bench emulate`."""

from __future__ import annotations

import re

import pytest

from benchmarks.emulate.report import WHAT
from benchmarks.emulate.table import emulation_text


@pytest.fixture
def rows(emulation_report):
    """Graph and processor -> cells of the row."""
    lines = emulation_text(emulation_report).splitlines()
    cells = [re.split(r"  +", line.strip()) for line in lines if " cortex-" in line]
    return {(row[0], row[1]): row[2:] for row in cells if len(row) > 3}


def test_int8_is_compared_with_float_and_a_map_with_none(rows):
    assert rows["onnx int8", "cortex-a76"][:3] == ["1.000", "0.250", "-"]
    assert rows["onnx int8 gradient", "cortex-a76"][:3] == ["2.500", "-", "2.500"]
    assert rows["onnx float32", "cortex-a76"][:3] == ["4.000", "-", "-"]


def test_processors_are_not_compared_with_each_other(rows):
    assert rows["onnx int8", "cortex-a72"][:3] == ["3.000", "-", "-"]


def test_what_is_not_known_is_a_dash_with_its_reason(rows, emulation_report):
    assert rows["onnx int8", "cortex-a72"][3:6] == ["-", "-", "-"]
    assert "Absent: no parser." in emulation_text(emulation_report)
    assert "Absent: no engine." in emulation_text(emulation_report)


def test_the_text_names_versions_bounds_and_what_it_counts(emulation_report):
    text = emulation_text(emulation_report)
    assert WHAT in text
    assert "onnx 1.2.3, Python 3.13.5, numpy 2.0.0" in text
    assert "16 int8 in one SDOT" in text
    assert "8 int8 in one SMLAL" in text
    assert "Left out: litert (no such graph)." in text
