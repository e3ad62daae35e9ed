"""Every pair of integers of two summands, in the real kernels and as the program has it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from export.lower import lower
from export.near_ties import Grid, ambiguous_pairs, settle_sums, settled_scale
from export.program import execute
from export.tflite_format.emitter import emit_tflite
from tests.export.runtimes import RUNTIMES, run_tflite
from tests.export.sums import all_pairs, sum_of
from tests.networks import NETWORKS, quantized, random_images

# Learned by EfficientNet-Lite0 in its block 4/2: 13 steps and -24 steps are 2e-6 steps off a tie,
# and LiteRT rounds them the other way than torch and ONNX Runtime do.
NEAR_A_TIE = (12.225357055664062, 28.652997970581055, 30.213844299316406)
# Every odd sum is a tie, which LiteRT rounds up and the others to even.
HALVED = (2.0, 2.0, 4.0)
# XNNPACK takes sums whose scales are at most a factor of 256 apart.
ALPHAS = st.floats(0.125, 16, width=32)
# Of summands that are further apart some, one in five hundred, cannot be settled nearby.
ALIKE = st.floats(0.5, 8, width=32)


def network_with(alphas, name="pre_activation"):
    """A network with one sum, and these ranges of its summands and of itself."""
    torch.manual_seed(1)
    network = quantized(NETWORKS[name](), random_images(4, 17, 19))
    set_alphas(network, zip(sums_of(network)[0], alphas, strict=True))
    return network


@pytest.fixture(scope="module")
def network_of_two_sums():
    return network_with(NEAR_A_TIE, "rectified_residual")


def set_alphas(network, alphas):
    with torch.no_grad():
        for node, alpha in alphas:
            network.site_of(node).alpha.fill_(alpha)


def sums_of(network):
    """Both summands and the sum, by name, of every sum."""
    return [(*n.inputs, n.name) for n in network.graph.nodes if n.operation == "add"]


def program_of(network):
    """The network's first sum alone, with all pairs of integers to add."""
    tensors = lower(network).tensors
    return sum_of(*(tensors[name] for name in sums_of(network)[0]))


def signed_bytes(alpha):
    return Grid(np.float32(alpha) / np.float32(127), -128, 127, True)


def is_off(program, run, emit):
    """Where a runtime gives another integer than the program, bool ``[256, 256]``."""
    expected, got = execute(program, all_pairs())["sum"], run(emit(program), all_pairs())["sum"]
    return (got != expected)[0, 0]


def test_litert_rounds_a_common_pair_of_learned_ranges_otherwise():
    off = np.argwhere(is_off(program_of(network_with(NEAR_A_TIE)), run_tflite, emit_tflite))
    assert [13, -24] in (off - 128).tolist()


@RUNTIMES
@pytest.mark.parametrize("alphas", [NEAR_A_TIE, HALVED], ids=["near a tie", "halved"])
@pytest.mark.parametrize("name", ["pre_activation", "linear_residual", "rectified_residual"])
def test_every_pair_is_rounded_alike_once_settled(name, alphas, emit, run):
    network = network_with(alphas, name)
    settle_sums(network)
    assert not is_off(program_of(network), run, emit).any()


@settings(max_examples=25)
@given(alphas=st.tuples(ALPHAS, ALPHAS, ALPHAS))
def test_what_litert_rounds_otherwise_is_foreseen(alphas):
    left, right, target = map(signed_bytes, alphas)
    off = np.argwhere(is_off(sum_of(left, right, target), run_tflite, emit_tflite)) - 128
    foreseen = ambiguous_pairs(left, right, target).tolist()
    assert [pair for pair in off.tolist() if pair not in foreseen] == []


@RUNTIMES
@pytest.mark.parametrize("alphas", [NEAR_A_TIE, HALVED], ids=["near a tie", "halved"])
def test_every_pair_is_rounded_alike_with_a_settled_scale_of_the_sum(alphas, emit, run):
    left, right, target = map(signed_bytes, alphas)
    settled = replace(target, scale=settled_scale(left, right, target))
    assert abs(settled.scale / target.scale - 1) <= 2**-15
    assert not is_off(sum_of(left, right, settled), run, emit).any()


def test_a_scale_without_an_ambiguous_pair_stays():
    grids = left, right, target = tuple(map(signed_bytes, (0.3, 9.7, 10.1)))
    assert len(ambiguous_pairs(*grids)) == 0
    assert settled_scale(left, right, target) == target.scale


@settings(max_examples=15)
@example(alphas=[2.0078740157480315, 1.0, 4.015748031496063, 2.0, 1.0])
@example(alphas=[0.2265625, 10.0, 10.0, 1.0, 1.0])  # nothing within a few strides
@given(alphas=st.lists(ALIKE, min_size=5, max_size=5))
def test_sums_in_a_row_are_settled_within_31_millionths(network_of_two_sums, alphas):
    network = network_of_two_sums
    first, second = sums_of(network)
    set_alphas(network, zip((*first, *second[1:]), alphas, strict=True))
    before = network.alphas()
    moved = settle_sums(network)
    after = network.alphas()
    assert {name for name in before if before[name] != after[name]} == set(moved)
    assert all(abs(share) <= 2**-15 for share in moved.values())
    tensors = lower(network).tensors
    for names in sums_of(network):
        grids = [Grid.of(tensors[name]) for name in names]
        assert len(ambiguous_pairs(*grids)) == 0


def test_settled_ranges_stay_to_the_last_bit():
    network = network_with(NEAR_A_TIE)
    assert settle_sums(network)
    assert settle_sums(network) == {}
