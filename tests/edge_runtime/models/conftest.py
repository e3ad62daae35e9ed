"""A store, and bundles to put into it."""

from __future__ import annotations

import pytest

from edge_runtime.models import LoadOptions, ModelStarter, signature_check


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
