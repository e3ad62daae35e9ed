from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch

from edge_runtime.errors import UsageError
from train.backbones import backbone_named

NETWORKS = """
import torch
from torch import nn

HALF = 0.5


def make(classes):
    return nn.Linear(4, classes)


def scaled(classes, width=1.0):
    return nn.Linear(int(4 * width), classes)


def text(classes):
    return "no module"


def failing(classes):
    import a_sibling
    raise RuntimeError(f"no {classes} classes\\nand a second line")
"""


@pytest.fixture
def networks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a module that lies in the current directory."""
    name = f"networks_of_{tmp_path.name.replace('-', '_')}"
    (tmp_path / f"{name}.py").write_text(NETWORKS)
    (tmp_path / "a_sibling.py").write_text("")
    monkeypatch.chdir(tmp_path)
    yield name
    for imported in (name, "a_sibling"):
        sys.modules.pop(imported, None)


def test_a_function_in_the_current_directory_makes_the_network(networks: str) -> None:
    path = list(sys.path)
    backbone = backbone_named(f"{networks}:make")
    module = backbone.make(5)
    assert isinstance(module, torch.nn.Linear)
    assert module.out_features == 5
    assert (backbone.input_mean, backbone.input_std) == (127, 128.0)
    assert sys.path == path


def test_a_parameter_called_width_takes_the_multiplier(networks: str) -> None:
    assert backbone_named(f"{networks}:scaled").make(5, 2.0).in_features == 8
    with pytest.raises(UsageError, match="has no width multiplier"):
        backbone_named(f"{networks}:make").make(5, 2.0)


def test_a_module_that_is_not_there(networks: str) -> None:
    with pytest.raises(UsageError, match=r"no Python module 'not_there'.*current directory"):
        backbone_named("not_there.networks:make")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("import nonexistent_dependency", "ModuleNotFoundError: No module named 'nonexistent_de"),
        ("x = 1\nraise ValueError('first\\nsecond')", r"ValueError: first \(broken.py, line 2\)"),
        ("def f(:", "SyntaxError"),
    ],
)
def test_a_module_that_cannot_be_imported(networks: str, text: str, message: str) -> None:
    Path("broken.py").write_text(text)
    with pytest.raises(UsageError, match=f"importing broken raised {message}") as caught:
        backbone_named("broken:make")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("attribute", ["absent", "HALF"])
def test_a_function_that_is_not_there(networks: str, attribute: str) -> None:
    with pytest.raises(UsageError, match=f"{networks} has no function '{attribute}'"):
        backbone_named(f"{networks}:{attribute}")


def test_a_function_that_gives_something_else(networks: str) -> None:
    with pytest.raises(UsageError, match=r"text\(3\) gave a str; it must return a torch.nn.Module"):
        backbone_named(f"{networks}:text").make(3)


def test_a_function_that_raises_is_shown_with_its_line(networks: str) -> None:
    backbone = backbone_named(f"{networks}:failing")
    with pytest.raises(UsageError) as caught:
        backbone.make(3)
    line = 1 + NETWORKS[: NETWORKS.index("raise")].count("\n")
    assert f"RuntimeError: no 3 classes ({networks}.py, line {line})" in str(caught.value)
    assert "\n" not in str(caught.value)
