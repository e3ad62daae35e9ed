"""The structure of a captured network: nodes in execution order, and the quantisation site of each.

The graph holds no weights. Tensors are NCHW, as in torch; node names come from the module path of
the original network, with ``/`` between the parts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from edge_runtime.errors import ArtifactError

__all__ = ["ACTIVATIONS", "OPERATIONS", "NetworkGraph", "Node", "non_negative"]

INPUT = "image"
ACTIVATIONS = ("none", "relu", "relu6", "relu1")
OPERATIONS = (
    "input",
    "conv2d",
    "linear",
    "add",
    "mul",
    "concat",
    "max_pool2d",
    "avg_pool2d",
    "global_avg_pool",
    "flatten",
)
# These hand on the integers of their input, hence its site.
_PASS_THROUGH = ("max_pool2d", "flatten")


@dataclass(frozen=True)
class Node:
    """One operation.

    Attributes:
        name: unique, from the module path, such as ``blocks/0/0/conv_dw``.
        operation: one of ``OPERATIONS``.
        inputs: names of the nodes whose outputs it takes.
        attributes: what the operation needs: ``stride`` ``[h, w]``, ``padding``
            ``[top, bottom, left, right]``, ``dilation`` ``[h, w]``, ``groups`` and ``kernel``
            ``[h, w]``.
        activation: the function absorbed by the site behind the operation.
        shape: output shape ``[C, H, W]`` or ``[C]``, without the batch.
    """

    name: str
    operation: str
    inputs: tuple[str, ...] = ()
    attributes: Mapping[str, Any] = field(default_factory=dict)
    activation: str = "none"
    shape: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.operation not in OPERATIONS:
            raise ArtifactError(
                f"network node {self.name!r} has the unknown operation {self.operation!r}; "
                "the checkpoint was written by another version of saliedge."
            )
        if self.activation not in ACTIVATIONS:
            raise ArtifactError(
                f"network node {self.name!r} has the unknown activation {self.activation!r}; "
                "the checkpoint was written by another version of saliedge."
            )

    @property
    def has_weights(self) -> bool:
        """Whether the operation owns a weight and a bias."""
        return self.operation in ("conv2d", "linear")

    @property
    def hands_on(self) -> bool:
        """Whether the output holds the integers of the inputs: no rounding, no range of its own."""
        return self.operation in (*_PASS_THROUGH, "concat")


@dataclass(frozen=True)
class NetworkGraph:
    """Nodes in execution order; the first is the image, the last gives the logits."""

    nodes: tuple[Node, ...]

    def __post_init__(self) -> None:
        seen: set[str] = set()
        for node in self.nodes:
            missing = [name for name in node.inputs if name not in seen]
            if missing or node.name in seen:
                raise ArtifactError(
                    f"network node {node.name!r} is out of order or not unique; "
                    "the checkpoint is damaged, write it again with `saliedge train`."
                )
            seen.add(node.name)
        if not self.nodes or self.nodes[0].operation != "input":
            raise ArtifactError("the network graph does not start at an image input.")
        if self.logits.operation != "linear":
            raise ArtifactError(
                f"the network ends in {self.logits.operation!r} ({self.logits.name}); "
                "it must end in a linear layer that gives the logits."
            )

    @property
    def image(self) -> Node:
        """The input node."""
        return self.nodes[0]

    @property
    def logits(self) -> Node:
        """The last node."""
        return self.nodes[-1]

    @property
    def features(self) -> Node:
        """The node whose output the classifier takes: the pooled features."""
        return self[self.logits.inputs[0]]

    @property
    def first_layer(self) -> Node:
        """The first node with weights, kept at 8 bit."""
        return next(node for node in self.nodes if node.has_weights)

    def __getitem__(self, name: str) -> Node:
        for node in self.nodes:
            if node.name == name:
                return node
        raise KeyError(name)

    def consumers(self, name: str) -> list[Node]:
        """The nodes that take the output of ``name``."""
        return [node for node in self.nodes if name in node.inputs]

    def non_negative(self) -> frozenset[str]:
        """Names of the nodes whose output is provably never below zero."""
        return non_negative(self.nodes)

    def sites(self) -> dict[str, str]:
        """The quantisation site of every node but the input: node name to the owner's name.

        Case 1: max pooling and flattening hand on their input's integers, hence its site.
        Case 2: average pooling over a window rounds again, at its input's scale.
        Case 3: a concatenation and all that enters it share one site, so that joining is a copy.
        Case 4: everything else owns a site.
        """
        owner: dict[str, str] = {}
        for node in self.nodes[1:]:
            inherits = node.operation in (*_PASS_THROUGH, "avg_pool2d")
            source = node.inputs[0] if node.inputs else ""
            owner[node.name] = owner[source] if inherits and source in owner else node.name
            if node.operation == "concat":
                merged = {owner[name] for name in node.inputs}
                owner = {k: node.name if v in merged else v for k, v in owner.items()}
        return owner

    def to_json(self) -> list[dict[str, Any]]:
        """The nodes as plain JSON values."""
        return [
            {
                "name": node.name,
                "operation": node.operation,
                "inputs": list(node.inputs),
                "attributes": dict(node.attributes),
                "activation": node.activation,
                "shape": list(node.shape),
            }
            for node in self.nodes
        ]

    @classmethod
    def from_json(cls, values: list[dict[str, Any]]) -> NetworkGraph:
        """Read what :meth:`to_json` gave.

        Raises:
            ArtifactError: a node is malformed, unknown or out of order.
        """
        try:
            return cls(
                tuple(
                    Node(
                        name=str(value["name"]),
                        operation=str(value["operation"]),
                        inputs=tuple(value["inputs"]),
                        attributes=dict(value["attributes"]),
                        activation=str(value["activation"]),
                        shape=tuple(value["shape"]),
                    )
                    for value in values
                )
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ArtifactError(
                f"the network graph of the checkpoint is malformed ({error}); "
                "write it again with `saliedge train`."
            ) from error


def non_negative(nodes: Iterable[Node]) -> frozenset[str]:
    """Names of those of ``nodes``, in execution order, that are provably never below zero."""
    known: set[str] = set()
    for node in nodes:
        inherits = node.operation not in ("input", "conv2d", "linear")
        if node.activation != "none" or (inherits and known.issuperset(node.inputs)):
            known.add(node.name)
    return frozenset(known)
