"""The start of a run leaves Python's garbage collector out."""

from __future__ import annotations

import gc

import pytest

from edge_runtime.infer.collector import late_collection


@pytest.fixture(autouse=True)
def as_before():
    """The tests' own process collects afterwards as before."""
    yield
    assert gc.isenabled()
    assert gc.get_freeze_count() == 0


def test_nothing_is_collected_until_the_run_begins():
    with late_collection() as begin:
        assert not gc.isenabled()
        begin()
        assert gc.isenabled()


def test_what_the_start_made_is_not_looked_through():
    with late_collection() as begin:
        begin()
        assert gc.get_freeze_count() > 1000
        assert len(gc.get_objects()) < 1000


def test_a_start_that_fails_leaves_all_as_it_was():
    with pytest.raises(ValueError), late_collection():
        raise ValueError


def test_a_run_ends_with_all_as_it_was(edge_infer, tiny_bundle_path, photos):
    assert edge_infer("--bundle", tiny_bundle_path, "--source", photos).code == 0
