"""Sums of two bytes, which ONNX Runtime computes otherwise on arm64 than on x86."""

from __future__ import annotations

import numpy as np
import pytest

from export.near_ties import Grid, ambiguous_pairs, settled_scale
from export.onnx_format.emitter import emit_onnx
from export.program import execute
from tests.export.sums import all_pairs, sum_of

pytestmark = pytest.mark.arm64

# Scales of summands and sum. The first are of an EfficientNet-Lite0 with random weights, block 3/1:
# -6 and -53 steps are 4e-6 steps off a tie, and arm64 alone rounds them the other way.
SCALES = [
    (0.008241698145866394, 0.00803221296519041, 0.010443020612001419),
    (0.09626265615224838, 0.22561416029930115, 0.23790428042411804),
    (0.8537625074386597, 0.2877393662929535, 0.08728847652673721),
    (0.5, 0.5, 1.0),
]
_SCRIPT = """
import sys
import numpy, onnxruntime
from edge_runtime.engines.onnx import session_options
images, *graphs = sys.argv[1:]
for graph in graphs:
    session = onnxruntime.InferenceSession(graph, session_options(1))
    (found,) = session.run(None, {session.get_inputs()[0].name: numpy.load(images)})
    numpy.save(graph + ".npy", found)
"""


@pytest.fixture(scope="module")
def off(boards, tmp_path_factory):
    """The pairs that the board rounds otherwise than the program: (scales as given, settled)."""
    folder = tmp_path_factory.mktemp("sums")
    np.save(folder / "images.npy", all_pairs())
    grids = [tuple(Grid(np.float32(s), -128, 127, True) for s in scales) for scales in SCALES]
    grids += [(a, b, Grid(settled_scale(a, b, total), -128, 127, True)) for a, b, total in grids]
    programs = {folder / f"{index}.onnx": sum_of(*found) for index, found in enumerate(grids)}
    for path, program in programs.items():
        path.write_bytes(emit_onnx(program))
    ended = boards["trixie"].python("cortex-a72", "-c", _SCRIPT, folder / "images.npy", *programs)
    assert ended.returncode == 0, ended.stderr.decode()
    pairs = []
    for path, program in programs.items():
        expected, found = execute(program, all_pairs())["sum"], np.load(f"{path}.npy")
        pairs.append((np.argwhere((found != expected)[0, 0]) - 128).tolist())
    return pairs[: len(SCALES)], pairs[len(SCALES) :]


def test_what_arm64_rounds_otherwise_is_foreseen(off):
    given, _ = off
    assert [-6, -53] in given[0]
    for scales, pairs in zip(SCALES, given, strict=True):
        foreseen = ambiguous_pairs(*(Grid(np.float32(s), -128, 127, True) for s in scales))
        assert set(map(tuple, pairs)) <= set(map(tuple, foreseen.tolist()))


def test_settled_sums_are_rounded_as_on_every_machine(off):
    _, settled = off
    assert settled == [[]] * len(SCALES)
