"""Optimisers of the two phases and the schedule of their learning rates."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import nn

from train.config import OptimizerConfig
from train.quantization import QuantizedNetwork

__all__ = ["clip_gradients", "float_optimizer", "quantized_optimizer", "rate_factor", "set_rates"]


def rate_factor(step: int, steps: int, warmup: float) -> float:
    """Share of the peak rate at ``step`` of ``steps``: a linear rise, then half a cosine."""
    rise = int(warmup * steps)
    if step < rise:
        return (step + 1) / (rise + 1)
    return 0.5 * (1 + math.cos(math.pi * (step - rise) / max(1, steps - rise)))


def set_rates(optimizer: torch.optim.Optimizer, factor: float) -> None:
    """Set each group's rate to a share of its own peak."""
    for group in optimizer.param_groups:
        group["lr"] = factor * group["peak_lr"]


def float_optimizer(model: nn.Module, config: OptimizerConfig) -> torch.optim.Optimizer:
    """AdamW for the float network with batch norm."""
    return _adamw(_groups(model.parameters(), config.lr_float, config.weight_decay))


def quantized_optimizer(
    network: QuantizedNetwork, config: OptimizerConfig
) -> torch.optim.Optimizer:
    """AdamW for the folded network; clips and learned weight steps are groups without decay.

    A step of Adam is as long as the rate whatever the gradient's size, and clips of one network
    differ by an order of magnitude, so each clip gets a rate in proportion to where it starts.
    Decay towards zero is PACT's penalty in the loss, weighted by eta.
    """
    groups = _groups(network.network_parameters(), config.lr, config.weight_decay)
    if network.quantize:
        gains = network.gain_parameters()
        if gains:
            groups.append({"params": gains, "peak_lr": config.lr_weight_step, "weight_decay": 0.0})
        for alpha in network.alpha_parameters():
            rate = config.lr_alpha * float(alpha.detach())
            groups.append({"params": [alpha], "peak_lr": rate, "weight_decay": 0.0})
    return _adamw(groups)


def clip_gradients(optimizer: torch.optim.Optimizer, largest: float) -> None:
    """Scale the gradients of weights and biases to a norm of at most ``largest``; 0 is off.

    Clips and learned steps are left out: their gradients are sums over whole feature maps and
    filters and would drown those of the weights.
    """
    if largest > 0:
        weights = [p for group in optimizer.param_groups[:2] for p in group["params"]]
        torch.nn.utils.clip_grad_norm_(weights, largest)


def _groups(
    parameters: Iterable[nn.Parameter], rate: float, decay: float
) -> list[dict[str, object]]:
    decayed: list[nn.Parameter] = []
    plain: list[nn.Parameter] = []
    for parameter in parameters:
        (decayed if parameter.dim() >= 2 else plain).append(parameter)
    return [
        {"params": decayed, "peak_lr": rate, "weight_decay": decay},
        {"params": plain, "peak_lr": rate, "weight_decay": 0.0},
    ]


def _adamw(groups: list[dict[str, object]]) -> torch.optim.Optimizer:
    return torch.optim.AdamW(groups, lr=0.0)
