"""One kind of network: how it is made, and what its input means."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from torch import nn

from edge_runtime.errors import UsageError

__all__ = ["Backbone", "one_mean"]


@dataclass(frozen=True)
class Backbone:
    """A network before it has a number of classes.

    Attributes:
        name: as in ``--backbone``.
        factory: gives the untrained module for a number of classes and, where ``has_width``, a
            width multiplier.
        input_mean: the byte that stands for zero.
        input_std: bytes per unit.
        has_width: whether the factory takes a width multiplier as its second argument.
        has_package: whether the train extra installs a Python package with its weights.
    """

    name: str
    factory: Callable[..., nn.Module]
    input_mean: int = 127
    input_std: float = 128.0
    has_width: bool = False
    has_package: bool = False

    def make(self, classes: int, width: float = 1.0) -> nn.Module:
        """The untrained module.

        Args:
            classes: number of logits.
            width: factor of the channel counts.

        Raises:
            UsageError: another width than 1 is wanted, and the network has none; or the user's
                function fails.
        """
        if self.has_width:
            return self.factory(classes, width)
        if width != 1.0:
            raise UsageError(
                f"{self.name} has no width multiplier, so --width {width:g} cannot be had; leave "
                "it out or choose small_cnn, squeeze_cnn or mobilenet_v2."
            )
        return self.factory(classes)


def one_mean(means: Sequence[float], deviations: Sequence[float]) -> tuple[int, float]:
    """One mean, in whole bytes, and one deviation for all channels, from shares of 255 for each.

    The averages over the channels: fine-tuning takes up the difference. ImageNet's usual figures
    give 114 and 57.6.
    """
    return round(255 * sum(means) / len(means)), 255 * sum(deviations) / len(deviations)
