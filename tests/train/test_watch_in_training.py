"""Short trainings that are watched: a planted shortcut is found, and nothing where none is."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import pytest

from tests.train.conftest import tiny_config
from train.progress import plain_reporter
from train.run_directory import RunDirectory
from train.trainer import train


def watched(source: str, folder: Path) -> list[dict[str, str]]:
    """The findings of a run of a few seconds, in which no network learns a lesion's look."""
    config = tiny_config(source)
    optimizer = replace(config.optimizer, epochs_float=4, epochs=1)
    with plain_reporter() as reporter:
        train(replace(config, optimizer=optimizer), RunDirectory(folder), reporter)
    with (folder / "findings.csv").open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_saliency_on_a_planted_overlay_is_found_and_told_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    findings = watched("synthetic:?count=150&size=32&shortcut=polyp", tmp_path / "run")
    overlay = [row for row in findings if row["finding"] == "overlay"]
    assert [(row["epoch"], row["phase"]) for row in overlay] == [
        ("4", "calibrated"),
        ("5", "quantized"),
    ]
    assert "--erase" in overlay[0]["sentence"]
    told = [line for line in capsys.readouterr().out.splitlines() if line.startswith("watch: ")]
    assert told == [f"watch: {overlay[0]['sentence']}"]


def test_a_run_without_such_an_overlay_has_no_finding(tmp_path: Path) -> None:
    assert watched("synthetic:?count=150&size=32", tmp_path / "run") == []
