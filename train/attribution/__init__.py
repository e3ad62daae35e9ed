"""Saliency maps of a network in torch, one method per file.

Every method takes the network, a batch of images float32 ``[N, 3, H, W]`` (byte values) and the
class to explain, int64 ``[N]``, and gives maps float32 ``[N, h, w]`` without a graph.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from edge_runtime import plugins
from edge_runtime.errors import UsageError
from train.attribution.class_activation import class_activation
from train.attribution.early_gradient import early_gradient
from train.attribution.early_map import early_map_of
from train.attribution.gradient import gradient
from train.attribution.input_gradient import gradient_times_input
from train.attribution.occlusion import occlusion, occlusion_map
from train.attribution.places import places_of
from train.attribution.smooth_grad import SMOOTHED, smooth_early_gradient, smooth_grad
from train.quantization import QuantizedNetwork

__all__ = [
    "METHODS",
    "SMOOTHED",
    "class_activation",
    "early_gradient",
    "early_map_of",
    "gradient",
    "gradient_times_input",
    "method_named",
    "occlusion",
    "occlusion_map",
    "places_of",
    "smooth_early_gradient",
    "smooth_grad",
]

Method = Callable[[QuantizedNetwork, Tensor, Tensor], Tensor]

METHODS: dict[str, Method] = {
    "gradient": gradient,
    "gradient-early": early_gradient,
    "cam": class_activation,
    "smoothgrad": smooth_grad,
    "smoothgrad-early": smooth_early_gradient,
    "gradient-x-input": gradient_times_input,
    "occlusion": occlusion,
}
"""Name of a method on the command line -> the method."""


def method_named(name: str) -> Method:
    """Look up a method: one of ``METHODS``, or one that an installed package adds.

    Raises:
        UsageError: there is none of that name.
        DependencyError: the plug-in cannot be imported or is no function; and, when it is called,
            it gives something else than a map for each image.
    """
    if name in METHODS:
        return METHODS[name]
    plugin = plugins.find_plugin(plugins.ATTRIBUTION, name)
    if plugin is None:
        known = (*METHODS, *plugins.names_of_plugins(plugins.ATTRIBUTION))
        raise UsageError(f"there is no saliency map {name!r}; choose one of {', '.join(known)}.")
    method: Method = plugin.load("a function", callable)

    def checked(network: QuantizedNetwork, image: Tensor, class_index: Tensor) -> Tensor:
        maps = method(network, image, class_index)
        if not isinstance(maps, Tensor) or maps.dim() != 3 or len(maps) != len(image):
            given = list(maps.shape) if isinstance(maps, Tensor) else type(maps).__name__
            raise plugin.broken(
                f"gave {given} for {len(image)} images; it must give maps [{len(image)}, h, w]"
            )
        return maps.detach().float()

    return checked
