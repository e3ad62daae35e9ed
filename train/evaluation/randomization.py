"""The model-randomisation check: a map that stays when the weights go does not explain the network.

Source: Adebayo et al., Sanity Checks for Saliency Maps, arXiv 1810.03292, section 3: layers are
re-initialised in a cascade from the classifier down to the input, and each network's maps are
compared with the trained one's by rank correlation, with their signs and without.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_runtime.metrics import Interval, bootstrap_median, rank_correlation
from train.batches import to_tensor
from train.evaluation.maps import Maps
from train.evaluation.targets import RunTarget
from train.quantization.reinitialize import reinitialized

__all__ = ["RandomizationRow", "cascade", "compare_randomized", "randomized_target"]

_SEED = 0
_CALIBRATION_IMAGES = 32
# Quarters of the layers, behind the classifier alone.
_STAGES = 4
_HARDLY_CHANGED = 0.5


@dataclass(frozen=True)
class RandomizationRow:
    """How much of a map stays when layers from the classifier down lose their training.

    Attributes:
        map: what was measured.
        layers: number of layers that were re-initialised.
        of_layers: number of layers of the network.
        count: number of images.
        spearman: median rank correlation with the trained network's raw map.
        absolute_spearman: the same of the magnitudes.
    """

    map: str
    layers: int
    of_layers: int
    count: int
    spearman: Interval
    absolute_spearman: Interval

    @property
    def hardly_changed(self) -> bool:
        """Whether the map stayed though no layer kept its training."""
        kept = max(self.spearman.value, self.absolute_spearman.value)
        return self.layers == self.of_layers and kept > _HARDLY_CHANGED

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "map": self.map,
            "layers": self.layers,
            "of_layers": self.of_layers,
            "count": self.count,
            "spearman": self.spearman.to_json(),
            "absolute_spearman": self.absolute_spearman.to_json(),
            "hardly_changed": self.hardly_changed,
        }


def cascade(target: RunTarget) -> list[tuple[str, ...]]:
    """The layers to re-initialise, stage by stage: the classifier, then a quarter more each."""
    names = [node.name for node in target.network.graph.nodes if node.has_weights][::-1]
    counts = [1, *(round(stage / _STAGES * len(names)) for stage in range(1, _STAGES + 1))]
    return [tuple(names[:count]) for count in sorted(set(counts)) if count]


def randomized_target(
    target: RunTarget, layers: Sequence[str], images: NDArray[np.uint8]
) -> RunTarget:
    """The run with some layers re-initialised; see ``reinitialized``.

    Args:
        target: the run.
        layers: names of the layers.
        images: uint8 ``[N, H, W, 3]``; the first of them fix the scale of the activations.
    """
    image = to_tensor(images[:_CALIBRATION_IMAGES])
    return target.with_network(reinitialized(target.network, layers, image, _SEED))


def compare_randomized(
    name: str,
    layers: Sequence[str],
    of_layers: int,
    maps: Maps,
    randomized: Maps,
    groups: Sequence[str],
) -> RandomizationRow:
    """Compare the maps ``[N, h, w]`` of the trained network and of one with random layers."""
    pairs = list(zip(maps, randomized, strict=True))
    signed = [rank_correlation(one, other) for one, other in pairs]
    absolute = [rank_correlation(np.abs(one), np.abs(other)) for one, other in pairs]
    return RandomizationRow(
        name,
        len(layers),
        of_layers,
        len(pairs),
        bootstrap_median(signed, groups),
        bootstrap_median(absolute, groups),
    )
