"""Fixtures of the runtime's tests: a whole bundle around a classifier that fits in the head."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from edge_runtime import cli
from edge_runtime.bundle import open_bundle
from edge_runtime.infer import cli as infer_cli
from edge_runtime.models import ModelStore
from tests.commands import runner
from tests.edge_runtime import tiny_graphs
from tests.edge_runtime.models import bundles


@pytest.fixture(scope="session")
def tiny_bundle_path(tmp_path_factory):
    """A bundle with every graph in both formats; read-only (copy it to change it)."""
    path = tmp_path_factory.mktemp("bundles") / "tiny.edge"
    tiny_graphs.write_bundle(path)
    tiny_graphs.write_reference(path.with_name("tiny.reference"))
    return path


@pytest.fixture(scope="session")
def shelf(tmp_path_factory):
    """Function that returns the path of a bundle, made when it is first asked for; read-only.

    shelf("first") is good, as is any other name; shelf("wrong") computes something else than its
    golden outputs, shelf("crashing") takes LiteRT down.
    """
    folder = tmp_path_factory.mktemp("shelf")
    writers = {"wrong": bundles.write_wrong, "crashing": bundles.write_crashing}

    def bundle(name):
        path = folder / f"{name}.edge"
        if not path.exists():
            writers.get(name, lambda path: bundles.write_named(path, name))(path)
        return path

    return bundle


@pytest.fixture
def store(tmp_path):
    return ModelStore(tmp_path / "state")


@pytest.fixture
def installed(store, shelf):
    """Function that puts a bundle of the shelf into the store untested, and returns its SHA-256."""

    def put(name):
        bundle = open_bundle(shelf(name))
        store.install(bundle, lambda folder: None)
        return bundle.sha256

    return put


@pytest.fixture
def proven(store, installed):
    """Function that installs a bundle and records that it proved itself; returns its SHA-256."""

    def put(name):
        sha256 = installed(name)
        store.update(lambda record: record.choose(sha256).prove(sha256))
        return sha256

    return put


@pytest.fixture
def photos(tmp_path):
    """A folder of three pictures, one in a sub-folder, whose classes are red, green and blue."""
    root = tmp_path / "photos"
    for index, name in enumerate(("a-red.png", "b/green.png", "c-blue.png")):
        picture = np.full((40, 60, 3), 30, np.uint8)
        picture[8:24, 20:36, index] = 250
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(root / name), picture[..., ::-1])
    return root


@pytest.fixture(scope="session")
def film():
    """Function that writes a video of one colour: film(path, frames, color=RGB)."""

    def write(path, frames, color=(200, 60, 60), size_wh=(64, 48)):
        codec = "MJPG" if path.suffix == ".avi" else "mp4v"
        writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*codec), 25, size_wh)
        for _ in range(frames):
            writer.write(np.full((size_wh[1], size_wh[0], 3), color[::-1], np.uint8))
        writer.release()

    return write


@pytest.fixture
def edge_infer(capsys):
    """Function that runs edge-infer as its script does."""
    return runner(infer_cli.main, capsys)


@pytest.fixture
def saliedge(capsys):
    """Function that runs saliedge as its script does."""
    return runner(cli.main, capsys)
