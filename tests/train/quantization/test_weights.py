"""Weight quantisers against numbers worked out by hand."""

from __future__ import annotations

import pytest
import torch

from train.quantization.weights import (
    bias_steps,
    first_learned_scales,
    learned_weight_steps,
    weight_levels,
    weight_scales,
    weight_steps,
)


def test_weight_scale_is_the_channel_maximum_over_the_levels():
    weight = torch.tensor([[[[0.5, -1.27]]], [[[0.0, 0.254]]]])
    scale = weight_scales(weight, 8)
    assert torch.allclose(scale, torch.tensor([0.01, 0.002]))
    assert weight_steps(weight, scale, 8).flatten().tolist() == [50.0, -127.0, 0.0, 127.0]


def test_a_vanishing_channel_keeps_a_scale_that_its_bias_fits():
    scale = weight_scales(torch.tensor([[[[1.27]]], [[[0.0]]]]), 8)
    assert scale[1] == pytest.approx(1e-6)


def test_weight_and_bias_gradients_are_straight_through():
    weight = torch.tensor([[0.3, -0.7]], requires_grad=True)
    bias = torch.tensor([0.1], requires_grad=True)
    scale = weight_scales(weight, 4)
    real_weight = weight_steps(weight, scale, 4) * scale[:, None]
    real_bias = bias_steps(bias, scale, torch.tensor(0.5)) * (scale * 0.5)
    (real_weight.sum() + real_bias.sum()).backward()
    assert weight.grad.tolist() == [[1.0, 1.0]]
    assert bias.grad.tolist() == [1.0]


def test_bias_counts_steps_of_input_scale_times_weight_scale():
    scale = torch.tensor([0.2, 0.4])
    steps = bias_steps(torch.tensor([0.26, -90.04]), scale, torch.tensor(0.5))
    assert steps.tolist() == [3.0, -450.0]


def test_sawb_takes_the_end_of_the_grid_from_two_moments():
    # Mean square 2.5, mean magnitude 1.5. At 4 bit the regression gives 0.98, less than the root
    # mean square of 1.58, which is the least that is taken; at 2 bit 1.84.
    weight = torch.tensor([[1.0, -1.0, 2.0, -2.0]])
    size = 2.5**0.5
    assert weight_scales(weight, 4, "sawb").item() == pytest.approx(size / 7)
    two = (3.12 * size - 2.064 * 1.5) / 3
    assert weight_scales(weight, 2, "sawb").item() == pytest.approx(two)
    # Each channel for itself. At one magnitude the regression gives 1.056 of it, too much.
    channels = torch.cat([weight, torch.full((1, 4), 0.1)])
    assert weight_scales(channels, 2, "sawb").tolist() == pytest.approx([two, 0.1 / 3])


def test_two_bit_sawb_has_four_levels_without_zero():
    weight = torch.tensor([[-1.0, -0.1, 0.0, 0.1, 0.75, 1.0]])
    steps = weight_steps(weight, torch.tensor([0.3]), 2, "sawb")
    assert steps.tolist() == [[-3.0, -1.0, 1.0, 1.0, 3.0, 3.0]]
    assert weight_levels(2, "sawb") == 3


def test_sawb_clips_what_lies_beyond_its_grid():
    steps = weight_steps(torch.tensor([[5.0, -5.0, 0.5]]), torch.tensor([0.5]), 4, "sawb")
    assert steps.tolist() == [[7.0, -7.0, 1.0]]


def test_eight_bits_are_never_clipped():
    weight = torch.randn(4, 8)
    assert torch.equal(weight_scales(weight, 8, "sawb"), weight_scales(weight, 8, "max"))


def test_sawb_is_finer_than_max_on_a_bell_curve():
    torch.manual_seed(0)
    weight = torch.randn(2, 4096)
    errors = {}
    for quantizer in ("max", "sawb"):
        scale = weight_scales(weight, 4, quantizer)
        real = weight_steps(weight, scale, 4, quantizer) * scale[:, None]
        errors[quantizer] = float(((real - weight) ** 2).mean())
    assert errors["sawb"] < 0.75 * errors["max"]


class TestLearnedSteps:
    def test_the_gradients_are_those_of_the_paper(self):
        """2 bit, Q = 1, step 0.5: w / s is 0.5 (to even: 0), -0.8 (-1) and 3 (clipped to 1).

        Eq. 3: (0 - 0.5), (-1 + 0.8) and 1, over sqrt(3 weights x 1 level); eq. 5: 1, 1 and 0.
        """
        weight = torch.tensor([[0.25, -0.4, 1.5]], requires_grad=True)
        scale = torch.tensor([0.5], requires_grad=True)
        steps = learned_weight_steps(weight, scale, 2)
        assert steps.tolist() == [[0.0, -1.0, 1.0]]
        # What comes in is the gradient of the steps; 0.5 of it is 1 of the real weight.
        (steps * 0.5).sum().backward()
        assert weight.grad.tolist() == [[1.0, 1.0, 0.0]]
        assert scale.grad.item() == pytest.approx((-0.5 - 0.2 + 1.0) / 3**0.5)

    def test_a_weight_at_an_end_of_the_grid_counts_as_clipped(self):
        """4 bit, Q = 7, step 0.5: w / s is 7, -7 and -20; the paper's inside is strict."""
        weight = torch.tensor([[3.5, -3.5, -10.0, 0.5]], requires_grad=True)
        scale = torch.tensor([0.5], requires_grad=True)
        steps = learned_weight_steps(weight, scale, 4)
        assert steps.tolist() == [[7.0, -7.0, -7.0, 1.0]]
        (steps * 0.5).sum().backward()
        assert weight.grad.tolist() == [[0.0, 0.0, 0.0, 1.0]]
        assert scale.grad.item() == pytest.approx((7 - 7 - 7 + 0) / (4 * 7) ** 0.5)

    def test_each_channel_has_a_step_of_its_own(self):
        weight = torch.tensor([[[[0.25]]], [[[0.25]]]])
        scale = torch.tensor([0.5, 0.1], requires_grad=True)
        learned_weight_steps(weight, scale, 2).sum().backward()
        # (0 - 0.5) / 0.5 and, clipped, 1 / 0.1.
        assert scale.grad.tolist() == pytest.approx([-1.0, 10.0])

    @pytest.mark.parametrize("bits", [2, 4, 8])
    def test_they_start_at_the_share_of_max_with_the_least_squared_error(self, bits):
        torch.manual_seed(0)
        weight = torch.randn(3, 4, 3, 3)

        def error(scale):
            real = learned_weight_steps(weight, scale, bits) * scale.reshape(-1, 1, 1, 1)
            return ((real - weight) ** 2).mean(dim=(1, 2, 3))

        first = first_learned_scales(weight, bits)
        shares = torch.arange(1, 65) / 64
        least = torch.stack([error(weight_scales(weight, bits) * share) for share in shares])
        torch.testing.assert_close(error(first), least.amin(dim=0))

    def test_a_grid_that_holds_every_weight_is_found(self):
        weight = torch.tensor([[-0.7, 0.1, 0.3, 0.6]])
        assert first_learned_scales(weight, 4).item() == pytest.approx(0.1)

    def test_the_smallest_share_is_tried_too(self):
        """Cutting one weight of 1 off costs less than rounding 4096 of 1/64 away."""
        weight = torch.full((1, 4097), 1 / 64)
        weight[0, 0] = 1.0
        assert first_learned_scales(weight, 2).item() == 1 / 64
