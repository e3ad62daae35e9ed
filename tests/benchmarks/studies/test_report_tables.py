"""Tables that come from a stored report."""

from __future__ import annotations

import pytest

from benchmarks.studies.report_tables import ROOT, main, report_table, with_tables
from edge_runtime.errors import run_command
from tests.commands import runner

PAGES = ("README.md",)


@pytest.fixture
def run_main(capsys):
    return runner(lambda arguments: run_command(main, arguments), capsys)


@pytest.mark.parametrize("page", PAGES)
def test_the_tables_of_a_page_are_what_their_reports_say(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    assert "<!-- bench report: benchmarks/results/" in text
    assert with_tables(text) == text


def test_a_table_has_a_row_for_each_configuration_and_says_where_it_was_measured(report):
    lines = report_table(report).splitlines()
    assert "128 x 96 pixels, 1 thread, 2 rounds of 2 frames, 2026-01-02; not stable" in " ".join(
        lines[:3]
    )
    rows = [line for line in lines if line.startswith("| onnx")]
    assert rows == [
        "| onnx 1.2.3 | INT8 | 2.50 |  | 0.625 (0.500 to 0.750) | 60 | 4.0 |",
        "| onnx 1.2.3 | INT8 with gradient | 6.00 |  |  | 60 | 4.0 |",
        "| onnx 1.2.3 | float | 4.00 |  |  |  | 4.0 |",
    ]


def test_only_what_stands_between_the_marks_is_written(report, tmp_path):
    (tmp_path / "report.json").write_bytes(report.to_bytes())
    page = "before\n<!-- bench report: report.json -->\nold\n<!-- end of the report -->\nafter\n"
    written = with_tables(page, tmp_path)
    head, _, tail = written.partition("<!-- bench report: report.json -->\n")
    assert (head, tail.partition("<!-- end of the report -->")[2]) == ("before\n", "\nafter\n")
    assert "old" not in written
    assert report_table(report) in written
    assert with_tables(written, tmp_path) == written


def test_a_page_without_a_block_is_refused(tmp_path, run_main):
    page = tmp_path / "page.md"
    page.write_text("nothing")
    assert run_main(page).code == 2
    assert page.read_text() == "nothing"
