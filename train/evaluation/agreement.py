"""How alike the maps of two networks are on the same images, in the order of their pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from edge_runtime.errors import UsageError
from edge_runtime.metrics import Interval, bootstrap_median, rank_correlation, top_overlap
from train.evaluation.maps import Maps

__all__ = ["AgreementRow", "compare_maps"]


@dataclass(frozen=True)
class AgreementRow:
    """How well one map keeps to another.

    Attributes:
        map: what was measured.
        other: whose map of that kind it was compared with.
        count: number of images.
        spearman: median rank correlation of the raw maps.
        top_overlap: median share of the highest tenth of the pixels that both have.
    """

    map: str
    other: str
    count: int
    spearman: Interval
    top_overlap: Interval

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "map": self.map,
            "other": self.other,
            "count": self.count,
            "spearman": self.spearman.to_json(),
            "top_overlap": self.top_overlap.to_json(),
        }


def compare_maps(
    name: str, other: str, maps: Maps, others: Maps, groups: Sequence[str]
) -> AgreementRow:
    """Compare maps ``[N, h, w]`` image by image; ``groups`` are N names.

    Raises:
        UsageError: the maps have other cells.
    """
    if maps.shape != others.shape:
        sizes = [f"{found.shape[2]}x{found.shape[1]}" for found in (maps, others)]
        raise UsageError(
            f"the {name} has {sizes[0]} cells and that of {other} {sizes[1]}; they cannot be "
            "compared, choose another --against or --saliency."
        )
    pairs = list(zip(maps, others, strict=True))
    return AgreementRow(
        name,
        other,
        len(pairs),
        bootstrap_median([rank_correlation(one, two) for one, two in pairs], groups),
        bootstrap_median([top_overlap(one, two) for one, two in pairs], groups),
    )
