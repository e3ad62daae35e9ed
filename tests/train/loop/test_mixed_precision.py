"""A run whose warm-up is in mixed precision; what follows computes the device's integers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tests.train.conftest import tiny_config
from train.config import TrainConfig
from train.loop.objectives import FloatObjective, GuidedObjective
from train.loop.trainer import resume, train
from train.quantization import load_network
from train.run.directory import RunDirectory
from train.run.progress import plain_reporter


def mixed_config() -> TrainConfig:
    config = tiny_config()
    return replace(config, run=replace(config.run, precision="mixed"))


def watched(kind: type[torch.nn.Module], seen: set[bool]) -> Callable[..., object]:
    """The kind's forward pass, which notes whether autocast is on."""
    forward = kind.forward

    def noting(*arguments: object) -> object:
        seen.add(torch.is_autocast_enabled("cpu"))
        return forward(*arguments)

    return noting


def test_only_the_warm_up_is_narrow_and_a_resumed_run_goes_on_to_the_bit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    whole, parted = RunDirectory(tmp_path / "whole"), RunDirectory(tmp_path / "parted")
    narrow: dict[type[torch.nn.Module], set[bool]] = {FloatObjective: set(), GuidedObjective: set()}
    with plain_reporter() as reporter, monkeypatch.context() as patch:
        for kind, seen in narrow.items():
            patch.setattr(kind, "forward", watched(kind, seen))
        train(mixed_config(), whole, reporter)
    assert narrow == {FloatObjective: {True}, GuidedObjective: {False}}
    assert "warm-up in bfloat16" in capsys.readouterr().out

    def stop(text: str) -> None:
        if text.startswith("epoch 2/"):
            raise KeyboardInterrupt

    with plain_reporter() as reporter:
        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(reporter, "message", stop)
            train(mixed_config(), parted, reporter)
        resume(parted, reporter)
    ours, _ = load_network(whole.best_checkpoint)
    theirs, _ = load_network(parted.best_checkpoint)
    assert all(torch.equal(theirs.state_dict()[name], v) for name, v in ours.state_dict().items())


def test_the_warm_up_is_another_one(tiny_run: Path, tmp_path: Path) -> None:
    config = mixed_config()
    config = replace(config, optimizer=replace(config.optimizer, epochs=0))
    with plain_reporter() as reporter:
        train(config, RunDirectory(tmp_path / "run"), reporter)
    mixed, _ = load_network(tmp_path / "run" / "float.safetensors")
    single, _ = load_network(tiny_run / "float.safetensors")
    differs = [
        not torch.equal(single.state_dict()[name], value)
        for name, value in mixed.state_dict().items()
    ]
    assert any(differs)
