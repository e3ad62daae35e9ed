"""PACT against numbers worked out by hand."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from train.quantization.fake_quantize import (
    BackwardPass,
    activation_levels,
    lowest_level,
    pact,
)

ONE = torch.tensor(1.0)


def _pact(x, alpha, *, multiplier=ONE, **options):
    return pact(x, multiplier, alpha, state=BackwardPass(), **options)


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
    y = pact(x, ONE, alpha, bits=8, signed=False, state=state)
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
