"""The study of the frame loop, on a tiny bundle: what it runs and what it reports."""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np
import pytest

from benchmarks.studies.frame_loop import OURS, QUANTITIES, SCRIPT, frame_loop
from edge_runtime.errors import run_command
from tests.commands import runner


def _ratio(ours: dict[str, Any], theirs: dict[str, Any], quantity: str) -> float:
    if quantity not in ours["turns"]:
        return ours[quantity] / theirs[quantity]
    both = (found["turns"][quantity] for found in (ours, theirs))
    ratios = [one / other for one, other in zip(*both, strict=True)]
    assert len(ratios) == 2  # four turns less those to warm up
    return float(np.median(ratios))


def test_each_figure_is_a_ratio_of_rounds(tiny_bundle, tmp_path, capsys):
    run = runner(lambda arguments: run_command(frame_loop, arguments, "frame_loop"), capsys)
    end = run(
        tiny_bundle, "--engine", "onnx", "--rounds", 2, "--frames", 100, "--out", tmp_path / "out"
    )
    assert end.code == 0
    assert "of the hand-written loop's top classes" in end.err
    record = json.loads((tmp_path / "out" / "report.json").read_text())["onnx"]
    for quantity in QUANTITIES:
        ours, theirs = (record["rounds"][loop] for loop in (OURS, SCRIPT))
        ratios = [_ratio(*pair, quantity) for pair in zip(ours, theirs, strict=True)]
        assert record["ratios"][SCRIPT][quantity]["rounds"] == pytest.approx(ratios)
        assert all(value > 0 for value in ratios)
    report = (tmp_path / "out" / "report.txt").read_text()
    assert report in end.out
    assert re.search(r"normalises for 0\.\d+ ms of a frame, \d+\.\d%", report)
