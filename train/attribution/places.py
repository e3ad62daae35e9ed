"""Where the cells of a method's maps lie."""

from __future__ import annotations

from train.attribution.class_activation import last_map_of
from train.attribution.early_map import early_map_of
from train.attribution.smooth_grad import SMOOTHED
from train.quantization import QuantizedNetwork
from train.quantization.receptive_field import CellPlaces

__all__ = ["places_of"]


def places_of(network: QuantizedNetwork, method: str) -> CellPlaces | None:
    """The places of the cells of a method's maps; None for maps of pixels.

    Args:
        network: any.
        method: a name of a method; a plug-in's maps share the picture evenly.

    Raises:
        ArtifactError: the network has no such map.
    """
    if method == "cam":
        return network.cell_places(last_map_of(network.graph))
    is_early = SMOOTHED.get(method, method) == "gradient-early"
    return network.cell_places(early_map_of(network)) if is_early else None
