"""The pinned versions are what this distribution allows."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from benchmarks.emulate.device_sets import DEVICE_SETS, default_device_set
from edge_runtime.engines import ENGINES

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize("device_set", DEVICE_SETS.values(), ids=list(DEVICE_SETS))
def test_a_set_satisfies_the_slim_install_and_its_engines(device_set):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = list(project["dependencies"])
    for engine in device_set.engines:
        wanted += project["optional-dependencies"][ENGINES[engine].extra]
    pins = {}
    for requirement in map(Requirement, device_set.requirements):
        (pins[requirement.name],) = (pin.version for pin in requirement.specifier)
    for requirement in map(Requirement, wanted):
        assert requirement.specifier.contains(pins[requirement.name]), requirement


@pytest.mark.parametrize("engine", list(ENGINES))
def test_every_engine_has_a_set(engine):
    assert engine in default_device_set(engine).engines


def test_the_newest_set_is_the_default():
    assert default_device_set("onnx").name == "trixie"
