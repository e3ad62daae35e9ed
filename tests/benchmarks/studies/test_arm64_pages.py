"""The pages about arm64 show what the committed reports say, and nothing else."""

from __future__ import annotations

import pytest

from benchmarks.emulate.report import read_emulation_report
from benchmarks.studies.arm64_pages import COUNTS, pages, replaced, targets_table
from edge_runtime.errors import ArtifactError

PAGE = (
    "Before.\n\n<!-- table: made by python -m benchmarks.studies.arm64_pages -->\nold\n"
    "<!-- end of table -->\nAfter.\n"
)


def test_the_pages_are_those_of_the_reports():
    # Else: python -m benchmarks.studies.arm64_pages
    assert {path: path.read_text(encoding="utf-8") for path in pages()} == pages()


def test_every_report_has_every_graph_in_both_engines():
    for path in COUNTS.values():
        names = {count.configuration.name for count in read_emulation_report(path).counts}
        assert names == {
            f"{engine} {graph}"
            for engine in ("onnx", "litert")
            for graph in ("int8", "int8 cam", "int8 gradient-early", "int8 gradient", "float32")
        }


def test_a_target_that_was_missed_is_said_to_be():
    report = read_emulation_report(COUNTS["efficientnet_lite0"])
    for line in targets_table(report).splitlines()[2:]:
        *_, limit, counted, met = (cell.strip() for cell in line.strip("|").split("|"))
        reached = float(counted.split()[0]) <= float(limit.split()[0])
        assert met == ("yes" if reached else "**no**"), line


def test_only_what_is_between_the_marks_changes():
    text = replaced(PAGE, "table", "new")
    assert text.startswith("Before.\n\n<!-- table: ")
    assert "\n\nnew\n\n" in text
    assert "old" not in text
    assert text.endswith("<!-- end of table -->\nAfter.\n")
    assert replaced(text, "table", "new") == text


@pytest.mark.parametrize("text", ["", PAGE + PAGE, PAGE.replace("<!-- end of table -->\n", "")])
def test_a_page_without_its_two_marks_is_refused(text):
    with pytest.raises(ArtifactError, match="two marks"):
        replaced(text, "table", "new")
