"""What bench adds to a latency: the loops run, and what is timed around nothing is small change."""

from __future__ import annotations

import pytest

from benchmarks.configurations import Configuration, graph_of
from benchmarks.studies.bare_loop import BARE, RESIZING, UNPROBED, overheads, time_loops
from benchmarks.studies.bare_loop_worker import LOADERS, time_loop
from benchmarks.workload import Workload, synthetic_frames
from edge_runtime.bundle import open_bundle
from edge_runtime.engines import open_engine
from edge_runtime.errors import SaliedgeError

WORKLOAD = Workload(frames=3, warmup=1, rounds=1, threads=1, frame_width=48, frame_height=32)


def test_every_loop_times_the_same_number_of_inferences(bundle_path):
    taken = time_loops(open_bundle(bundle_path), "litert", WORKLOAD)
    assert {name: [len(one) for one in rounds] for name, rounds in taken.items()} == {
        "bench": [3],
        UNPROBED: [3],
        BARE: [3],
        RESIZING: [3],
    }


@pytest.mark.parametrize("engine", LOADERS)
def test_the_bare_loop_computes_what_the_engine_does(bundle_path, engine):
    bundle = open_bundle(bundle_path)
    model = bundle.path / graph_of(bundle, Configuration(engine, "int8", "none")).file
    height, width, run = LOADERS[engine](str(model), 1)
    image = bundle.spec.preprocessing.apply(synthetic_frames(WORKLOAD)[0])[None]
    assert image.shape == (1, height, width, 3)
    with open_engine(engine, bundle, threads=1) as known:
        logits = known.run(image).logits
    assert any(
        output.size == logits.size and (output.ravel() == logits).all() for output in run(image)
    )


def test_warm_up_inferences_are_run_and_not_counted():
    runs = []
    frames = synthetic_frames(WORKLOAD)
    taken = time_loop(runs.append, [frames[:1], frames[1:2]], frames, (2, 3), side=8)
    assert (len(taken), len(runs)) == (3, 5)
    assert runs[0] is runs[2] is not runs[1]


def test_a_loop_that_fails_is_one_sentence(bundle_path):
    bundle = open_bundle(bundle_path)
    (bundle.path / "int8.tflite").rename(bundle.path / "elsewhere")
    with pytest.raises(SaliedgeError) as caught:
        time_loops(bundle, "litert", WORKLOAD)
    assert "\n" not in str(caught.value)


def test_the_overhead_is_that_of_the_loop_and_of_the_runtime_around_nothing(bundle_path):
    loop, runtime = overheads(open_bundle(bundle_path), 20)
    assert (loop.name, runtime.name) == (
        "an engine that does nothing",
        "Engine.run, a graph that does nothing",
    )
    for found in (loop, runtime):
        assert 0 < found.processor <= found.worst
        assert found.in_sample > 0
