"""PACT and weight quantisation against numbers worked out by hand."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from train.quantization.fake_quantize import (
    BackwardPass,
    activation_levels,
    fake_quantize_bias,
    fake_quantize_weight,
    pact,
    weight_scales,
)


def _pact(x, alpha, **options):
    return pact(x, alpha, state=BackwardPass(), **options)


def test_unsigned_site_clips_to_zero_and_alpha_and_rounds_half_to_even():
    # 2 bits, alpha 3: the grid is 0, 1, 2, 3.
    x = torch.tensor([-1.0, 0.4, 0.5, 1.5, 2.4, 9.0])
    y = _pact(x, torch.tensor(3.0), bits=2, signed=False)
    assert y.tolist() == [0.0, 0.0, 0.0, 2.0, 2.0, 3.0]


def test_signed_site_is_symmetric():
    # 4 bits, alpha 7: the grid is -7 .. 7.
    y = _pact(torch.tensor([-9.0, -6.6, 0.2, 8.0]), torch.tensor(7.0), bits=4, signed=True)
    assert y.tolist() == [-7.0, -7.0, 0.0, 7.0]


@pytest.mark.parametrize(
    ("signed", "x", "inside", "alpha_gradient"),
    [
        # eq. 3 of the paper: 1 where the input is clipped above, 0 elsewhere.
        (False, [-1.0, 0.2, 1.0, 2.0, 2.9, 5.0], [0.0, 0.0, 1.0, 1.0, 0.0, 0.0], 2.0),
        # A signed site clips below as well, where alpha enters with a minus.
        (True, [-5.0, -0.4, 0.2, 1.4], [0.0, 1.0, 1.0, 0.0], 0.0),
    ],
)
def test_gradient_passes_where_the_integer_is_inside(signed, x, inside, alpha_gradient):
    x = torch.tensor(x, requires_grad=True)
    alpha = torch.tensor(1.0 if signed else 3.0, requires_grad=True)
    _pact(x, alpha, bits=2, signed=signed).sum().backward()
    assert x.grad.tolist() == inside
    assert alpha.grad.item() == alpha_gradient


def test_a_saturated_score_keeps_its_gradient():
    x = torch.tensor([5.0], requires_grad=True)
    alpha = torch.tensor(1.0, requires_grad=True)
    _pact(x, alpha, bits=8, signed=True, pass_clipped=True).sum().backward()
    assert (x.grad.item(), alpha.grad.item()) == (1.0, 1.0)


def test_a_saliency_pass_skips_the_gradient_of_alpha():
    state = BackwardPass()
    x = torch.tensor([5.0], requires_grad=True)
    alpha = torch.tensor(1.0, requires_grad=True)
    y = pact(x, alpha, bits=8, signed=False, state=state)
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
    y = _pact(x, torch.tensor(alpha), bits=bits, signed=signed)
    levels = activation_levels(bits, signed)
    scale = torch.tensor(alpha) / levels
    steps = y / scale
    assert torch.allclose(steps, steps.round(), atol=1e-3)
    clipped = x.clamp(-alpha if signed else 0.0, alpha)
    assert (clipped - y).abs().max() <= scale / 2 * 1.001


def test_weight_scale_is_the_channel_maximum_over_the_levels():
    weight = torch.tensor([[[[0.5, -1.27]]], [[[0.0, 0.254]]]])
    scale = weight_scales(weight, 8)
    assert torch.allclose(scale, torch.tensor([0.01, 0.002]))
    assert torch.allclose(
        fake_quantize_weight(weight, scale), torch.tensor([[[[0.5, -1.27]]], [[[0.0, 0.254]]]])
    )


def test_a_vanishing_channel_keeps_a_scale_that_its_bias_fits():
    scale = weight_scales(torch.tensor([[[[1.27]]], [[[0.0]]]]), 8)
    assert scale[1] == pytest.approx(1e-6)


def test_weight_and_bias_gradients_are_straight_through():
    weight = torch.tensor([[0.3, -0.7]], requires_grad=True)
    bias = torch.tensor([0.1], requires_grad=True)
    scale = weight_scales(weight, 4)
    total = fake_quantize_weight(weight, scale).sum() + fake_quantize_bias(bias, scale, 0.5).sum()
    total.backward()
    assert weight.grad.tolist() == [[1.0, 1.0]]
    assert bias.grad.tolist() == [1.0]


def test_bias_lies_on_the_grid_of_input_scale_times_weight_scale():
    quantized = fake_quantize_bias(torch.tensor([0.26]), torch.tensor([0.2]), 0.5)
    assert quantized.item() == pytest.approx(0.3)
