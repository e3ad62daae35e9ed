"""Class activation maps: the last feature map weighted by the class's row of the classifier."""

from __future__ import annotations

import torch
from torch import Tensor

from edge_runtime.errors import ArtifactError
from train.quantization import NetworkGraph, QuantizedNetwork

__all__ = ["class_activation", "last_map_of"]


def class_activation(network: QuantizedNetwork, image: Tensor, class_index: Tensor) -> Tensor:
    """The evidence of each cell for the class.

    Source: Zhou et al., Learning Deep Features for Discriminative Localization, arXiv 1512.04150,
    eq. 2. For a network of global average pooling and one linear layer this equals Grad-CAM before
    its ReLU, up to the number of cells. The mean over cells plus the bias is the logit.

    Args:
        network: float or fake-quantised; the weights are those that its forward pass uses.
        image: float32 ``[N, 3, H, W]``, byte values.
        class_index: int64 ``[N]``.

    Returns:
        float32 ``[N, h, w]`` in the cells of the last feature map; negative where a cell speaks
        against the class.

    Raises:
        ArtifactError: see :func:`last_map_of`.
    """
    name = last_map_of(network.graph)
    with torch.no_grad():
        (features,) = network.outputs(image, name)
        rows = network.effective_weight(network.graph.logits.name)[class_index]
        return torch.einsum("nkhw,nk->nhw", features, rows)


def last_map_of(graph: NetworkGraph) -> str:
    """The node that the one global average pooling in front of the classifier reads.

    Raises:
        ArtifactError: the network ends in another way, where no cell has a share of the logit.
    """
    node = graph.features
    if node.operation == "flatten":
        node = graph[node.inputs[0]]
    if node.operation != "global_avg_pool":
        raise ArtifactError(
            f"a class activation map needs global average pooling in front of the classifier, and "
            f"this network has {node.operation!r} ({node.name}) there; measure its gradient."
        )
    return node.inputs[0]
