"""The graphs of one network, emitted and not yet judged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_runtime.bundle import GraphSpec, TensorSpec
from edge_runtime.bundle.graphs import GraphFormat, Precision, SaliencyMode
from edge_runtime.errors import ArtifactError
from edge_runtime.map_grid import MapGrid
from export.calibration_images import within_memory
from export.class_activation import add_class_activation
from export.gradient import add_early_gradient, add_gradient
from export.lower import lower, lower_float
from export.onnx_format.emitter import emit_onnx
from export.program import CLASS_INDEX, CLASS_INDEX_USED, IMAGE, Program
from export.tflite_format.emitter import emit_tflite
from train.attribution import early_map_of, places_of
from train.quantization import QuantizedNetwork

__all__ = ["Candidate", "GraphFile", "emit_candidate", "emit_references", "output_step"]

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
        mean_places: saliency modes whose map's cells have no one place, since branches of the
            network see different windows there; the mean was taken.
    """

    network: QuantizedNetwork
    programs: dict[SaliencyMode, Program]
    graphs: tuple[GraphFile, ...]
    left_out: dict[str, str]
    mean_places: tuple[SaliencyMode, ...] = ()

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


Derivation = Callable[[QuantizedNetwork, Program, NDArray[np.uint8]], Program]
_DERIVATIONS: dict[SaliencyMode, Derivation] = {
    "gradient": lambda _network, program, images: add_gradient(program, images),
    "gradient-early": lambda network, program, images: add_early_gradient(
        program, images, early_map_of(network)
    ),
    "cam": lambda _network, program, images: add_class_activation(program, images),
}
_EMITTERS: dict[GraphFormat, Callable[[Program], bytes]] = {
    "onnx": emit_onnx,
    "tflite": emit_tflite,
}


def emit_candidate(
    network: QuantizedNetwork,
    images: NDArray[np.uint8],
    advance: Callable[[int, str], None] = lambda done, detail: None,
    saliency: bool = True,
) -> Candidate:
    """Lower a network and write all of its graphs.

    Args:
        network: quantising.
        images: uint8 ``[N, H, W, 3]``, what the scales of gradients and maps are taken from.
        advance: told how many programs are done, and which comes next.
        saliency: write graphs with maps, too.

    Raises:
        ArtifactError: the plain graph cannot be written. A saliency graph that cannot is left out.
    """
    advance(0, "plain graphs")
    plain = lower(network)
    programs: dict[SaliencyMode, Program] = {"none": plain}
    graphs = _emit(plain, "int8", "none")
    left_out: dict[str, str] = {}
    mean_places: list[SaliencyMode] = []
    if not saliency:
        left_out = dict.fromkeys(_DERIVATIONS, "it was not asked for")
    wanted = _DERIVATIONS if saliency else {}
    for done, (mode, derive) in enumerate(wanted.items(), start=1):
        advance(done, f"{mode} graphs")
        try:
            program = derive(network, plain, within_memory(plain, images))
            places = places_of(network, mode)
            graphs += _emit(program, "int8", mode, None if places is None else places.grid)
        except ArtifactError as error:
            left_out[mode] = str(error)
        else:
            programs[mode] = program
            if places is not None and not places.branches_agree:
                mean_places.append(mode)
    return Candidate(network, programs, graphs, left_out, tuple(mean_places))


def emit_references(network: QuantizedNetwork) -> tuple[GraphFile, ...]:
    """The same network in float, in both formats, to compare with."""
    return _emit(lower_float(network), "float32", "none")


def output_step(program: Program, output: str) -> float:
    """The real value of one quantisation step of an output that is dequantised (``logits``)."""
    step = program.tensors[program.integers_of(output)].scale
    assert step is not None
    return step


def _emit(
    program: Program, precision: Precision, mode: SaliencyMode, grid: MapGrid | None = None
) -> tuple[GraphFile, ...]:
    return tuple(
        GraphFile(_graph_spec(program, graph_format, precision, mode, grid), emit(program))
        for graph_format, emit in _EMITTERS.items()
    )


def _graph_spec(
    program: Program,
    graph_format: GraphFormat,
    precision: Precision,
    mode: SaliencyMode,
    grid: MapGrid | None,
) -> GraphSpec:
    """The graph interface of a program."""
    stem = _STEMS[precision] if mode == "none" else f"{_STEMS[precision]}-{mode}"
    channels, height, width = program.image.shape
    inputs = [TensorSpec(IMAGE, "uint8", (1, height, width, channels))]
    if program.takes_class_index:
        inputs.append(TensorSpec(CLASS_INDEX, "int32", (1,)))
    outputs = [
        TensorSpec(CLASS_INDEX_USED, "int32", (1,))
        if name == CLASS_INDEX_USED
        else TensorSpec(name, "float32", (1, *program.tensors[tensor].shape))
        for name, tensor in program.outputs.items()
    ]
    file = f"{stem}.{graph_format}"
    return GraphSpec(file, graph_format, precision, mode, file, tuple(inputs), tuple(outputs), grid)
