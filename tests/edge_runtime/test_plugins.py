"""Finding the parts of other packages, and naming the package where one is broken."""

from __future__ import annotations

import subprocess
import sys

import pytest

from edge_runtime.engines import ENGINES, Engine, graph_format, load_engine, open_engine
from edge_runtime.engines.onnx import OnnxEngine
from edge_runtime.engines.tflite import LiteRtEngine, TfliteRuntimeEngine
from edge_runtime.errors import DependencyError, UsageError
from edge_runtime.plugins import EXTENSION_POINTS, find_plugin, installed_plugins
from edge_runtime.sinks import open_sink
from edge_runtime.sources import open_camera
from train.attribution import method_named
from train.backbones import backbone_named


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Function that installs a package by hand: install("clinic", "1.2", group, entry, code)."""
    monkeypatch.syspath_prepend(str(tmp_path))
    made = []

    def _install(name, version, group, entry, code=""):
        metadata = tmp_path / f"{name}-{version}.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        )
        (metadata / "entry_points.txt").write_text(f"[{group}]\n{entry}\n")
        (tmp_path / f"{name}.py").write_text(code)
        made.append(name)

    yield _install
    for name in made:
        sys.modules.pop(name, None)


def open_by_name(point, name):
    """What the commands do with a name that is none of this project's."""
    return {
        "saliedge.backbones": lambda: backbone_named(name).make(3),
        "saliedge.cameras": lambda: open_camera(name),
        "saliedge.engines": lambda: (graph_format(name), load_engine(name, None, b"")),
        "saliedge.sinks": lambda: open_sink(f"{name}=x"),
        "saliedge.attribution": lambda: method_named(name)(None, (1, 2), None),
    }[point.group]()


@pytest.mark.parametrize("point", EXTENSION_POINTS, ids=lambda point: point.noun)
@pytest.mark.parametrize(
    ("code", "problem"),
    [
        ("import no_such_package", r"ModuleNotFoundError: No module named 'no_such_package'"),
        ("def other(): pass", r"cannot be loaded \(AttributeError"),
        ("part = 7", r"clinic:part, which is not a"),
    ],
    ids=["import", "attribute", "kind"],
)
def test_a_broken_part_is_told_in_one_sentence_with_its_package(install, point, code, problem):
    install("clinic", "1.2", point.group, "special = clinic:part", code)
    with pytest.raises(DependencyError, match=problem) as caught:
        open_by_name(point, "special")
    told = str(caught.value)
    assert f"{point.noun} 'special' of the installed package clinic 1.2" in told
    assert told.endswith("update or uninstall that package.")
    assert "\n" not in told


@pytest.mark.parametrize(
    ("group", "code", "problem"),
    [
        ("cameras", "def part(specification, options): return 7", "gave a int instead of a Source"),
        (
            "cameras",
            "def part(specification, options): raise OSError('no\\nbus')",
            "OSError: no bus",
        ),
        ("sinks", "def part(argument): pass", "TypeError: part"),
        ("attribution", "def part(*_): return [1]", "gave list for 2 images"),
        (
            "backbones",
            "from train.backbones import Backbone\npart = Backbone('x', lambda classes: 7)",
            "made a int instead of a torch.nn.Module",
        ),
        (
            "backbones",
            "from train.backbones import Backbone\npart = Backbone('x', lambda classes: 1 / 0)",
            r"ZeroDivisionError: division by zero \(.*clinic.py, line 2\)",
        ),
    ],
)
def test_a_part_that_gives_something_else_is_told(install, group, code, problem):
    install("clinic", "1.2", f"saliedge.{group}", "special = clinic:part", code)
    (point,) = (point for point in EXTENSION_POINTS if point.group.endswith(group))
    with pytest.raises(DependencyError, match=problem):
        open_by_name(point, "special")


def test_what_a_part_tells_the_user_is_told(install):
    code = "from edge_runtime.errors import UsageError\ndef part(*_): raise UsageError('no lens')"
    install("clinic", "1.2", "saliedge.cameras", "special = clinic:part", code)
    with pytest.raises(UsageError, match=r"^no lens$"):
        open_camera("special")


@pytest.mark.parametrize("point", EXTENSION_POINTS, ids=lambda point: point.noun)
def test_two_packages_with_one_name_are_told(install, point):
    install("clinic", "1.2", point.group, "special = clinic:part")
    install("ward", "3.0", point.group, "special = ward:part")
    with pytest.raises(DependencyError, match=r"clinic 1\.2 and ward 3\.0; uninstall one"):
        open_by_name(point, "special")


@pytest.mark.parametrize("point", EXTENSION_POINTS, ids=lambda point: point.noun)
def test_an_unknown_name_is_answered_with_those_of_plugins(install, point):
    install("clinic", "1.2", point.group, "special = clinic:part")
    with pytest.raises(UsageError, match="special"):
        open_by_name(point, "unknown")


def test_no_name_of_this_project_can_be_taken_over(install, toy_bundle):
    from edge_runtime import open_bundle

    install("clinic", "1.2", "saliedge.engines", "onnx = clinic:part", "raise SystemExit(9)")
    with open_engine("onnx", open_bundle(toy_bundle)) as engine:
        assert type(engine) is OnnxEngine


def test_looking_imports_nothing(install):
    install("clinic", "1.2", "saliedge.sinks", "special = clinic:part", "raise SystemExit(9)")
    (point,) = (point for point in EXTENSION_POINTS if point.noun == "sink")
    assert [plugin.package for plugin in installed_plugins(point)] == ["clinic 1.2"]
    assert find_plugin(point, "special").name == "special"
    assert find_plugin(point, "other") is None


def test_a_device_looks_for_plugins_only_if_a_name_is_unknown(toy_bundle):
    code = """
import sys
from importlib import metadata
def refused(**named):
    raise AssertionError(named)
metadata.entry_points = refused
from edge_runtime.infer.cli import main
main(["--bundle", sys.argv[1], "--source", "synthetic:?frames=1", "--engine", "onnx"])
"""
    subprocess.run([sys.executable, "-c", code, str(toy_bundle)], check=True, capture_output=True)


@pytest.mark.parametrize(
    ("name", "engine"),
    [("onnx", OnnxEngine), ("litert", LiteRtEngine), ("tflite-runtime", TfliteRuntimeEngine)],
)
def test_the_table_of_engines_and_their_classes_agree(name, engine: type[Engine]):
    assert ENGINES[name].format == engine.graph_format
    assert ENGINES[name].target == f"{engine.__module__}:{engine.__name__}"
