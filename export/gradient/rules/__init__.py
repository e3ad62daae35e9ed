"""One rule for each forward operation: how the gradient of its inputs follows from its output's."""

from __future__ import annotations

from typing import Any, Protocol

from export import operations as ops
from export.gradient.backward import Backward
from export.gradient.rules.add import AddRule
from export.gradient.rules.average_pool import AveragePoolRule
from export.gradient.rules.concat import ConcatRule
from export.gradient.rules.convolution import ConvolutionRule
from export.gradient.rules.flatten import FlattenRule
from export.gradient.rules.global_average_pool import GlobalAveragePoolRule
from export.gradient.rules.linear import LinearRule
from export.gradient.rules.max_pool import MaxPoolRule
from export.gradient.rules.product import ProductRule

__all__ = ["RULES", "Rule"]


class Rule(Protocol):
    """Writes the gradient of one kind of operation."""

    def apply(self, backward: Backward, operation: Any) -> None:
        """Take the gradient of the operation's output and contribute to those of its inputs.

        Raises:
            ArtifactError: this very operation has no integer gradient.
        """
        ...


RULES: dict[type, Rule] = {
    ops.Add: AddRule(),
    ops.AvgPool: AveragePoolRule(),
    ops.Concat: ConcatRule(),
    ops.Conv: ConvolutionRule(),
    ops.Flatten: FlattenRule(),
    ops.GlobalAvgPool: GlobalAveragePoolRule(),
    ops.Linear: LinearRule(),
    ops.MaxPool: MaxPoolRule(),
    ops.Mul: ProductRule(),
}
