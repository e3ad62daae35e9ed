"""The generated pages name everything that there is: they cannot drift from the code."""

from __future__ import annotations

import dataclasses
import re
from importlib import import_module
from typing import get_type_hints

import click
import pytest

from docs_site.api_pages import api_pages, public_names
from docs_site.command_pages import FOLDER, command_pages, every_command
from docs_site.configuration_page import configuration_page
from docs_site.exit_code_page import exit_code_page
from docs_site.json_formats_page import FORMATS, Format, json_formats_page
from docs_site.json_shape import entries
from docs_site.reference import generated_pages, pages_below
from docs_site.schema_page import bench_report_pages, bundle_schema_page
from edge_runtime.bundle.json_schema import bundle_json_schema
from edge_runtime.cli import COMMANDS
from edge_runtime.errors import EXIT_CODES
from edge_runtime.sinks import prediction_record
from train.config import TrainConfig


def cells(body: str) -> set[str]:
    """The first cell of every row of every table, without its marks."""
    return {row.split(" | ")[0].strip("| `") for row in body.splitlines() if row.startswith("| `")}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_page_has_every_option_and_subcommand(name: str) -> None:
    (page,) = [page for page in command_pages() if page.path == f"{FOLDER}/{name}.md"]
    for typed, command in every_command(name):
        assert typed == page.title or f"## {typed}\n" in page.body
        for parameter in command.params:
            if isinstance(parameter, click.Option) and not parameter.hidden:
                assert re.search(rf"^\| `{parameter.opts[0]}[,` ]", page.body, re.MULTILINE)


def test_an_option_shows_its_default_and_its_help() -> None:
    (page,) = [page for page in command_pages() if page.title == "edge-infer"]
    (row,) = [line for line in page.body.splitlines() if line.startswith("| `--jsonl-keep`")]
    assert row == "| `--jsonl-keep` `N` | How many files put aside are kept. | `4` |"


def test_every_entry_of_the_configuration_has_a_meaning() -> None:
    body = configuration_page().body
    sections = re.split(r"^## \[(\w+)\]$", body, flags=re.MULTILINE)
    tables = dict(zip(sections[1::2], sections[2::2], strict=True))
    hints = get_type_hints(TrainConfig)
    assert list(tables) == [field.name for field in dataclasses.fields(TrainConfig)]
    for table, text in tables.items():
        for field in dataclasses.fields(hints[table]):
            (row,) = [line for line in text.splitlines() if line.startswith(f"| `{field.name}` |")]
            assert row.rsplit(" | ", 1)[1].strip("| "), field.name


def test_recipes_are_those_that_a_run_gets() -> None:
    body = configuration_page().body.partition("## Recipes")[2]
    (narrow,) = [line for line in body.splitlines() if "`activation_bits = 4`" in line]
    assert "`optimizer.lr = 0.0003`" in narrow
    assert "`optimizer.lr_alpha = 0.01`" in narrow


def test_the_exit_codes_are_all_there() -> None:
    body = exit_code_page().body
    for code in EXIT_CODES:
        assert f"| {code} | " in body


def test_the_bundle_has_every_entry_of_its_schema() -> None:
    page = bundle_schema_page()
    assert set(bundle_json_schema()["properties"]) <= cells(page.body)
    assert "## `graphs[]`" in page.body
    assert '| `format` | `"onnx"`, `"tflite"` |' in page.body


def test_the_reports_of_bench_have_their_nested_objects() -> None:
    bench, sustained, profile = (page.body for page in bench_report_pages())
    assert "| `load_average` | number or absent |" in bench
    assert "## `results[].rounds[]`" in bench
    assert {"kind", "schema", "results", "inference_ns"} <= cells(bench)
    assert {"moments", "temperature_celsius", "joules_per_frame"} <= cells(sustained)
    assert {"profiles", "is_float", "share"} <= cells(profile)


@pytest.mark.parametrize("found", FORMATS, ids=lambda found: found.title)
def test_a_json_format_is_read_out_of_its_code(found: Format) -> None:
    body = json_formats_page().body.partition(f"## {found.title}\n")[2].partition("\n## ")[0]
    for shape in found.parts.values():
        assert {key for key, _ in entries(shape)} <= cells(body)


@pytest.mark.parametrize("found", FORMATS, ids=lambda found: found.title)
def test_every_entry_is_explained(found: Format) -> None:
    for shape in found.parts.values():
        for key, meaning in entries(shape):
            assert meaning or "." in key, (shape, key)


def test_the_entries_of_a_prediction_are_those_of_its_docstring() -> None:
    explained = dict(entries(prediction_record))
    assert explained["saliency_class"] == "the class that the map explains; null without a map"
    assert list(explained)[:3] == ["time_utc", "source", "frame"]


def test_objects_within_an_object_are_read_out_too() -> None:
    def made() -> dict[str, object]:
        return {"one": 1, "each": [{"two": 2} for _ in range(3)], "in": {"three": 3}}

    assert [key for key, _ in entries(made)] == ["one", "each", "each[].two", "in", "in.three"]


def test_an_object_that_cannot_be_read_out_is_told() -> None:
    def made_elsewhere() -> dict[str, int]:
        return dict.fromkeys(["one"], 1)

    with pytest.raises(LookupError, match="made_elsewhere"):
        entries(made_elsewhere)


@pytest.mark.parametrize(("module", "names"), public_names().items(), ids=list(public_names()))
def test_public_names_are_documented_and_exist(module: str, names: list[str]) -> None:
    (page,) = [page for page in api_pages() if page.title == module]
    found = import_module(module)
    for name in names:
        assert f"        - {name}\n" in f"{page.body}\n"
        assert hasattr(found, name)


def test_no_two_pages_have_one_path_and_all_are_in_a_folder_of_the_navigation() -> None:
    paths = [page.path for page in generated_pages()]
    assert len(set(paths)) == len(paths)
    below = pages_below("reference/cli/", generated_pages())
    assert below[0] == {"Command line": "reference/cli/index.md"}
    assert len(below) == len(COMMANDS) + 1
