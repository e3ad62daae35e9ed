"""A store, and bundles to put into it."""

from __future__ import annotations

import pytest

from edge_runtime.bundle import open_bundle
from edge_runtime.models import LoadOptions, ModelStarter, ModelStore, signature_check


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
def reports():
    """What a starter said."""
    return []


@pytest.fixture
def starter(store, reports):
    """Function that makes a starter for one engine."""

    def make(engine="onnx", verify=None, **options):
        load = LoadOptions(engine=engine, threads=1, **options)
        return ModelStarter(store, load, verify or signature_check((), {}), reports.append)

    return make
