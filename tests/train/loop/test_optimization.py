from __future__ import annotations

import pytest

from tests.networks import NETWORKS, quantized, random_images
from train.config import OptimizerConfig
from train.loop.optimization import quantized_optimizer, rate_factor


def test_the_rate_rises_and_falls_to_nearly_nothing() -> None:
    factors = [rate_factor(step, 100, 0.1) for step in range(100)]
    assert factors[:10] == sorted(factors[:10])
    assert factors[10:] == sorted(factors[10:], reverse=True)
    assert factors[10] == 1.0
    assert factors[-1] < 0.001


@pytest.mark.parametrize(("step", "factor"), [(0, 1.0), (50, 0.5), (75, 0.146447)])
def test_without_warmup_it_is_half_a_cosine(step: int, factor: float) -> None:
    assert rate_factor(step, 100, 0.0) == pytest.approx(factor, abs=1e-6)


def test_learned_ranges_have_rates_in_proportion_to_where_they_start() -> None:
    network = quantized(NETWORKS["linear_residual"](), random_images(4, 16, 16), (4, 4), "lsq")
    config = OptimizerConfig(lr=0.1, lr_alpha=0.01, lr_weight_step=0.02, weight_decay=0.5)
    optimizer = quantized_optimizer(network, config)
    weights, biases, gains, *clips = optimizer.param_groups
    assert [(group["peak_lr"], group["weight_decay"]) for group in (weights, biases, gains)] == [
        (0.1, 0.5),
        (0.1, 0.0),
        (0.02, 0.0),
    ]
    assert len(gains["params"]) == len(network.layers)
    assert [group["peak_lr"] for group in clips] == pytest.approx(
        [0.01 * alpha for alpha in network.alphas().values()]
    )
    assert {group["weight_decay"] for group in clips} == {0.0}
    learned = sum(len(group["params"]) for group in optimizer.param_groups)
    assert learned == len(list(network.parameters()))
