"""Numbers worked out by hand on a network of two linear units over a 2 x 2 image.

Unit 0 weighs the red channel by 1, 2, 3, 4 (reading order) and the top left green pixel by -5;
unit 1 weighs the top left red pixel by 1. Bytes are divided by 10. The red channel is 2, 0, 0, 2.

    f = (2*1 + 2*4, 2*1) / 10 = (1.0, 0.2)
    S = (5, 2, 3, 4) / 10 for class 0, mean 0.35
    bottom half: pixels 1 and 2; with the mean colour (red 1) f~ = (1.5, 0.2)
    p0 = 1/(1 + e^-0.8) = 0.689974, p~0 = 1/(1 + e^-1.3) = 0.785835
    CE = -ln 0.689974 = 0.371101
    KL = 0.689974 ln(0.689974/0.785835) + 0.310026 ln(0.310026/0.214165) = 0.024920
"""

from __future__ import annotations

import pytest
import torch
from torch import nn

from edge_runtime.errors import UsageError
from train.guidance import (
    Guidance,
    below_threshold,
    bottom_k,
    guided_loss,
    input_saliency,
    masked_divergence,
    masked_image,
    smoothed,
)
from train.quantization import QuantizationConfig, QuantizedNetwork

CLASS_0 = torch.tensor([0])


class TwoUnits(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 2, 2, bias=False)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.linear = nn.Linear(2, 2)
        with torch.no_grad():
            self.conv.weight.zero_()
            self.conv.weight[0, 0] = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
            self.conv.weight[0, 1, 0, 0] = -5.0
            self.conv.weight[1, 0, 0, 0] = 1.0
            self.linear.weight.copy_(torch.eye(2))
            self.linear.bias.zero_()

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return self.linear(self.pool(self.conv(image)).flatten(1))


@pytest.fixture
def network() -> QuantizedNetwork:
    config = QuantizationConfig(input_mean=0, input_std=10.0)
    return QuantizedNetwork.from_model(TwoUnits(), 2, 2, config)


@pytest.fixture
def image() -> torch.Tensor:
    image = torch.zeros(1, 3, 2, 2)
    image[0, 0] = torch.tensor([[2.0, 0.0], [0.0, 2.0]])
    return image


def test_saliency_is_the_largest_gradient_of_the_channels(
    network: QuantizedNetwork, image: torch.Tensor
) -> None:
    logits, saliency = input_saliency(network, image, CLASS_0)
    torch.testing.assert_close(logits, torch.tensor([[1.0, 0.2]]))
    torch.testing.assert_close(saliency, torch.tensor([[[0.5, 0.2], [0.3, 0.4]]]))


def test_the_terms_of_the_loss(network: QuantizedNetwork, image: torch.Tensor) -> None:
    terms = guided_loss(
        network, image, CLASS_0, Guidance(lambda1=2.0, lambda2=3.0, k=0.5, fill="mean")
    )
    assert float(terms.cross_entropy.detach()) == pytest.approx(0.371101, abs=1e-6)
    assert float(terms.divergence.detach()) == pytest.approx(0.024920, abs=1e-6)
    assert float(terms.saliency_l1.detach()) == pytest.approx(0.35, abs=1e-6)
    assert float(terms.total.detach()) == pytest.approx(
        0.371101 + 2 * 0.024920 + 3 * 0.35, abs=1e-5
    )


def test_the_divergence_is_differentiated_on_both_sides(
    network: QuantizedNetwork, image: torch.Tensor
) -> None:
    """dCE/db = p0 - 1; dKL/db = p0 p1 (0.8 - 1.3) + (p~0 - p0) = -0.106955 + 0.095861."""
    terms = guided_loss(network, image, CLASS_0, Guidance(lambda1=2.0, k=0.5, fill="mean"))
    terms.total.backward()
    gradient = network.layer_of("linear").bias.grad
    assert gradient is not None
    assert float(gradient[0]) == pytest.approx(-0.310026 + 2 * (-0.106955 + 0.095861), abs=1e-5)


def test_the_l1_term_is_a_double_backward(network: QuantizedNetwork, image: torch.Tensor) -> None:
    """d(mean S)/dw is 1 / (4 * 10) where the channel wins, with the sign of the weight."""
    plain, penalized = (
        torch.autograd.grad(
            guided_loss(network, image, CLASS_0, Guidance(lambda1=0, lambda2=weight)).total,
            network.layer_of("conv").weight,
        )[0]
        for weight in (0.0, 4.0)
    )
    difference = (penalized - plain)[0]
    expected = torch.zeros(3, 2, 2)
    expected[0] = torch.tensor([[0.0, 0.1], [0.1, 0.1]])
    expected[1, 0, 0] = -0.1
    torch.testing.assert_close(difference, expected)


def test_pacts_penalty_is_the_sum_of_squares(
    network: QuantizedNetwork, image: torch.Tensor
) -> None:
    network.calibrate([image])
    network.quantize = True
    alphas = network.alpha_parameters()
    for number, alpha in enumerate(alphas):
        alpha.data.fill_(number + 1.0)
    guidance = Guidance(lambda1=0)
    without, with_eta = (
        guided_loss(network, image, CLASS_0, guidance, eta=eta).total for eta in (0.0, 0.5)
    )
    squares = sum((number + 1) ** 2 for number in range(len(alphas)))
    assert float((with_eta - without).detach()) == pytest.approx(0.5 * squares)


def test_without_guidance_the_loss_is_the_cross_entropy(
    network: QuantizedNetwork, image: torch.Tensor
) -> None:
    terms = guided_loss(network, image, CLASS_0, Guidance(lambda1=0, lambda2=0))
    assert float(terms.total.detach()) == float(terms.cross_entropy.detach())


class TestBottomK:
    def test_the_smallest_values_are_masked(self) -> None:
        saliency = torch.tensor([[[5.0, 2.0], [3.0, 4.0]]])
        assert bottom_k(saliency, 0.5).tolist() == [[[False, True], [True, False]]]

    def test_of_equal_values_the_first_are_masked(self) -> None:
        mask = bottom_k(torch.zeros(2, 3, 3), 0.5)
        assert mask.flatten(1).tolist() == [[True] * 4 + [False] * 5] * 2

    def test_the_number_is_rounded_down(self) -> None:
        assert int(bottom_k(torch.rand(1, 5, 5), 0.3).sum()) == 7


class TestFill:
    MASK = torch.tensor([[[True, False], [False, False]]])
    IMAGE = torch.tensor([[[[9.0, 4.0], [6.0, 8.0]], [[0.0, 0.0], [0.0, 255.0]], [[7.0] * 2] * 2]])

    @pytest.mark.parametrize(
        ("noise", "pixel"), [(0.0, [4, 0, 7]), (1.0, [9, 255, 7]), (0.5, [6, 128, 7])]
    )
    def test_random_values_stay_in_the_range_of_each_channel(
        self, noise: float, pixel: list[float]
    ) -> None:
        """Half way is 6.5 and 127.5, rounded to even."""
        drawn = torch.full_like(self.IMAGE, noise)
        result = masked_image(self.IMAGE, self.MASK, "random", drawn)
        assert result[0, :, 0, 0].tolist() == pixel
        assert result[0, :, 1, 1].tolist() == self.IMAGE[0, :, 1, 1].tolist()

    def test_the_mean_is_that_of_each_channel(self) -> None:
        """27/4 = 6.75, 255/4 = 63.75."""
        assert masked_image(self.IMAGE, self.MASK, "mean")[0, :, 0, 0].tolist() == [7, 64, 7]

    def test_a_blurred_edge_takes_values_between_its_sides(self) -> None:
        image = torch.zeros(1, 3, 32, 32)
        image[..., 16:] = 200.0
        blurred = masked_image(image, torch.ones(1, 32, 32, dtype=torch.bool), "blur")
        assert 0 < float(blurred[0, 0, 16, 15]) < 200
        assert float(blurred[0, 0, 16, 0]) == 0


def test_an_adaptive_threshold_is_a_multiple_of_each_maps_own_mean() -> None:
    """Means 3 and 30; half of them is 1.5 and 15, and a value on the threshold is kept."""
    saliency = torch.tensor([[[1.0, 1.5], [3.5, 6.0]], [[15.0, 14.0], [31.0, 60.0]]])
    assert below_threshold(saliency, 0.5).tolist() == [
        [[True, False], [False, False]],
        [[False, True], [False, False]],
    ]


def test_smoothing_is_a_mean_that_ignores_the_outside() -> None:
    saliency = torch.zeros(1, 3, 3)
    saliency[0, 0, 0] = 12.0
    expected = torch.tensor([[[3.0, 2.0, 0.0], [2.0, 12 / 9, 0.0], [0.0, 0.0, 0.0]]])
    torch.testing.assert_close(smoothed(saliency, 3), expected)


def test_the_divergence_is_not_symmetric() -> None:
    clean, masked = torch.tensor([[1.0, 0.2]]), torch.tensor([[1.5, 0.2]])
    assert float(masked_divergence(clean, masked)) == pytest.approx(0.024920, abs=1e-6)
    assert float(masked_divergence(masked, clean)) == pytest.approx(0.023010, abs=1e-6)


@pytest.mark.parametrize(
    "wrong",
    [
        {"lambda1": -1.0},
        {"k": 1.0},
        {"fill": "black"},
        {"smoothing": 4},
        {"threshold": "otsu"},
        {"epsilon": 0.0},
        {"target": 0.0},
    ],
)
def test_settings_out_of_range_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        Guidance(**wrong)  # type: ignore[arg-type]
