"""What docs/how-to/device.md says can be typed, can be typed."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from edge_runtime.cli import COMMANDS
from edge_runtime.commands.doctor import doctor
from edge_runtime.commands.models import install, models
from edge_runtime.commands.service import unit
from edge_runtime.infer.cli import infer
from edge_runtime.infer.config_file import read_options
from tests.edge_runtime.service.test_unit import HIGHEST_EXPOSURE

ROOT = Path(__file__).resolve().parents[2]
GUIDE = (ROOT / "docs" / "how-to" / "device.md").read_text(encoding="utf-8")


def test_its_configuration_is_one(tmp_path: Path) -> None:
    (text,) = re.findall(r"```toml\n(.*?)```", GUIDE, re.DOTALL)
    path = tmp_path / "edge-infer.toml"
    path.write_text(text, encoding="utf-8")
    options = read_options(click.Context(infer), path)
    assert options["camera"] == "picamera2"
    assert len(options) == len(text.strip().splitlines())


@pytest.mark.parametrize(
    "name", sorted(set(re.findall(r"(?:^|`|sudo )saliedge ([a-z]+)\b", GUIDE, re.MULTILINE)))
)
def test_its_commands_are_those_of_the_table(name: str) -> None:
    assert name in COMMANDS


@pytest.mark.parametrize("flag", sorted(set(re.findall(r"`(--[a-z-]+)", GUIDE))))
def test_its_options_are_those_of_edge_infer_or_of_a_command(flag: str) -> None:
    commands: tuple[click.Command, ...] = (infer, doctor, models, install, unit)
    known = {name for command in commands for option in command.params for name in option.opts}
    assert flag in known or flag == "--system-site-packages"


def test_the_exposure_is_the_tested_one() -> None:
    assert f"exposure level for saliedge.service: {HIGHEST_EXPOSURE} OK" in GUIDE
