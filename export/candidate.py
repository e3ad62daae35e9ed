"""The graphs of one network, emitted and not yet judged."""

from __future__ import annotations

from dataclasses import dataclass

from edge_runtime.bundle import GraphSpec
from edge_runtime.bundle.graphs import Precision, SaliencyMode
from export.program import (
    Program,
)
from train.quantization import QuantizedNetwork

__all__ = ["Candidate", "GraphFile", "emit_candidate", "emit_references", "graph_spec"]

_STEMS: dict[Precision, str] = {"int8": "int8", "float32": "float"}


@dataclass(frozen=True)
class GraphFile:
    """A graph's description and the bytes that are written, judged and hashed."""

    spec: GraphSpec
    model: bytes


@dataclass(frozen=True)
class Candidate:
    """What the gates judge and, if they pass, the bundle holds.

    Attributes:
        network: what was trained.
        programs: saliency mode to integer program; ``none`` is always there.
        graphs: every program in both formats.
        left_out: saliency mode to the sentence that says why the network has no such graph.
    """

    network: QuantizedNetwork
    programs: dict[SaliencyMode, Program]
    graphs: tuple[GraphFile, ...]
    left_out: dict[str, str]

    @property
    def plain(self) -> Program:
        """The program without saliency."""
        return self.programs["none"]

    def graph(self, graph_format: str, saliency: str) -> GraphFile:
        """One graph; ``KeyError`` if there is none."""
        for graph in self.graphs:
            if (graph.spec.format, graph.spec.saliency) == (graph_format, saliency):
                return graph
        raise KeyError((graph_format, saliency))
