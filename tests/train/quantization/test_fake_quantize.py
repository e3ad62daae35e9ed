"""PACT and LSQ of activations against numbers worked out by hand."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from train.quantization.fake_quantize import (
    BackwardPass,
    Clip,
    activation_levels,
    fake_quantize,
    lowest_level,
)

ONE = torch.tensor(1.0)


def _pact(x, alpha, *, multiplier=ONE, **options):
    return fake_quantize(x, multiplier, alpha, Clip(**options), BackwardPass())


def test_unsigned_site_clips_to_zero_and_its_levels_and_rounds_half_to_even():
    x = torch.tensor([-1.0, 0.4, 0.5, 1.5, 2.4, 9.0])
    y = _pact(x, torch.tensor(3.0), bits=2, signed=False)
    assert y.tolist() == [0.0, 0.0, 0.0, 2.0, 2.0, 3.0]


def test_the_multiplier_turns_steps_into_steps():
    # Two channels of an accumulator: steps of 0.5 and of 0.25 become steps of 1.
    x = torch.tensor([[5.0, 5.0], [400.0, -7.0]])
    y = _pact(x, torch.tensor(7.0), multiplier=torch.tensor([[0.5, 0.25]]), bits=4, signed=True)
    assert y.tolist() == [[2.0, 1.0], [7.0, -2.0]]


@pytest.mark.parametrize(("bits", "lowest"), [(4, -7.0), (8, -128.0)])
def test_signed_site_is_symmetric_but_for_the_byte_that_saturates_by_itself(bits, lowest):
    y = _pact(torch.tensor([-900.0, -6.6, 0.2, 900.0]), torch.tensor(7.0), bits=bits, signed=True)
    assert y.tolist() == [lowest, -7.0, 0.0, float(activation_levels(bits, signed=True))]


@pytest.mark.parametrize(
    ("signed", "x", "inside", "clipped"),
    [
        # eq. 3 of the paper: 1 where the input is clipped above, 0 elsewhere.
        (False, [-1.0, 0.2, 1.0, 2.0, 2.9, 5.0], [0.0, 0.0, 1.0, 1.0, 0.0, 0.0], 2.0),
        # A signed site clips below as well, where alpha enters with a minus.
        (True, [-5.0, -0.4, 0.2, 1.4], [0.0, 1.0, 1.0, 0.0], 0.0),
    ],
)
def test_gradient_passes_where_the_integer_is_inside(signed, x, inside, clipped):
    x = torch.tensor(x, requires_grad=True)
    alpha = torch.tensor(6.0, requires_grad=True)
    _pact(x, alpha, bits=2, signed=signed).sum().backward()
    assert x.grad.tolist() == inside
    # The sum counts steps, so a clipped value weighs one over the step's size.
    assert alpha.grad.item() == clipped * activation_levels(2, signed) / 6.0


@pytest.mark.parametrize(
    ("signed", "x", "expected"),
    [
        # Levels 3, alpha 6; half a step up, a quarter down, clipped above, zero and below:
        # (0.5 - 0.25 + 3) / 6, over sqrt(5 features x 3 levels).
        (False, [[1.5, 2.25, 5.0, 0.0, -1.0]], (0.5 - 0.25 + 3) / 6 / 15**0.5),
        # Levels 1: a quarter down, a quarter up, clipped on both sides (1 - 1).
        (True, [[0.25, -0.25, 4.0, -4.0]], (-0.25 + 0.25 + 1 - 1) / 6 / 4**0.5),
        (True, [[0.25, 0.75, 4.0, 0.0]], (-0.25 + 0.25 + 1) / 6 / 4**0.5),
    ],
)
def test_lsq_also_counts_the_rounding_inside(signed, x, expected):
    """Eq. 3 of arXiv 1902.08153; rounding 1.5 gives 2, and 0.75 is inside though it rounds to 1."""
    alpha = torch.tensor(6.0, requires_grad=True)
    _pact(torch.tensor(x), alpha, bits=2, signed=signed, quantizer="lsq").sum().backward()
    assert alpha.grad.item() == pytest.approx(expected, abs=1e-7)


def test_the_gradient_of_lsq_does_not_depend_on_the_number_of_images():
    """N is the features of one image; a mean over twice the images is the same mean."""
    found = []
    for images in (1, 2):
        alpha = torch.tensor(6.0, requires_grad=True)
        x = torch.tensor([[1.5, 5.0, 2.2]]).repeat(images, 1)
        _pact(x, alpha, bits=2, signed=False, quantizer="lsq").sum(dim=1).mean().backward()
        found.append(alpha.grad.item())
    assert found[0] == pytest.approx(found[1])


def test_both_quantisers_give_the_same_integers_and_the_same_gradient_for_the_input():
    found = []
    for quantizer in ("pact", "lsq"):
        x = torch.linspace(-3, 9, 50, requires_grad=True)
        y = _pact(x, torch.tensor(6.0), bits=2, signed=False, quantizer=quantizer)
        y.sum().backward()
        found.append((y.tolist(), x.grad.tolist()))
    assert found[0] == found[1]


def test_the_gradient_for_an_accumulator_is_that_of_its_multiple():
    x = torch.tensor([[4.0, 4.0]], requires_grad=True)
    multiplier = torch.tensor([[0.5, 0.25]])
    _pact(x, torch.tensor(7.0), multiplier=multiplier, bits=4, signed=True).sum().backward()
    assert x.grad.tolist() == [[0.5, 0.25]]


def test_a_saturated_score_keeps_its_gradient():
    x = torch.tensor([500.0], requires_grad=True)
    alpha = torch.tensor(127.0, requires_grad=True)
    _pact(x, alpha, bits=8, signed=True, pass_clipped=True).sum().backward()
    assert (x.grad.item(), alpha.grad.item()) == (1.0, 1.0)


def test_a_saliency_pass_skips_the_gradient_of_alpha():
    state = BackwardPass()
    x = torch.tensor([500.0], requires_grad=True)
    alpha = torch.tensor(1.0, requires_grad=True)
    y = fake_quantize(x, ONE, alpha, Clip(8, signed=False), state)
    state.input_only = True
    y.sum().backward()
    assert alpha.grad is None


@given(
    alpha=st.floats(0.01, 100),
    bits=st.sampled_from([2, 4, 8]),
    signed=st.booleans(),
    values=st.lists(st.floats(-200, 200, width=32), min_size=1, max_size=50),
)
def test_quantised_values_lie_on_the_grid_and_within_half_a_step(alpha, bits, signed, values):
    x = torch.tensor(values)
    scale = torch.tensor(alpha) / activation_levels(bits, signed)
    steps = _pact(x, torch.tensor(alpha), multiplier=1 / scale, bits=bits, signed=signed)
    assert torch.equal(steps, steps.round())
    clipped = x.clamp(float(lowest_level(bits, signed) * scale), alpha)
    assert (clipped - steps * scale).abs().max() <= scale / 2 * 1.001
