"""Float and INT8 saliency side by side: a few pictures with both maps drawn over them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_runtime.bundle.graphs import SaliencyMode
from edge_runtime.engines import ENGINES, installed_engines
from edge_runtime.metrics import rank_correlation
from edge_runtime.preprocessing import FrameMapping
from edge_runtime.saliency import overlay
from export.candidate import Candidate
from export.checks.parity import run_graph
from train.prediction import predict_float_saliency, predict_saliency

__all__ = ["SaliencyExample", "saliency_examples"]

_BATCH = 8


@dataclass(frozen=True, eq=False)
class SaliencyExample:
    """One picture.

    Attributes:
        title: what it is; no name of a file.
        label: the class that is explained, the INT8 graph's top class.
        picture: uint8 ``[H, W, 3]``, network bytes.
        float_overlay: uint8 ``[H, W, 3]``, with the map of the folded float network.
        int8_overlay: the same with the map of the INT8 graph.
        with_float: rank correlation of the INT8 map with that of the folded float network, raw;
            NaN where one is flat.
        with_trained: the same with the trained, fake-quantised network's.
    """

    title: str
    label: str
    picture: NDArray[np.uint8]
    float_overlay: NDArray[np.uint8]
    int8_overlay: NDArray[np.uint8]
    with_float: float
    with_trained: float


def saliency_examples(
    candidate: Candidate,
    images: NDArray[np.uint8],
    titles: Sequence[str],
    classes: Sequence[str],
) -> tuple[SaliencyExample, ...]:
    """Draw both maps over each image; empty for a network without a saliency graph.

    Args:
        candidate: its ONNX graph gives the INT8 map, gradient if there is one.
        images: uint8 ``[N, H, W, 3]``.
        titles: one for each.
        classes: names by index.
    """
    modes: tuple[SaliencyMode, ...] = ("gradient", "cam")
    mode = next((mode for mode in modes if mode in candidate.programs), None)
    if mode is None or len(images) == 0:
        return ()
    engine = next(name for name in installed_engines() if ENGINES[name].format == "onnx")
    found = run_graph(engine, candidate.graph("onnx", mode), images)
    assert found.saliency is not None
    explained = found.class_index_used.astype(np.int64)
    trained = predict_saliency(candidate.network, images, explained, _BATCH, mode)
    exact = predict_float_saliency(candidate.network, images, explained, _BATCH, mode)
    mapping = FrameMapping(1.0, 1.0, 0.0, 0.0).for_map(  # the image is what the network sees
        (exact.shape[1], exact.shape[2]),
        (images.shape[1], images.shape[2]),
        candidate.graph("onnx", mode).spec.map_grid,
    )
    return tuple(
        SaliencyExample(
            title=title,
            label=classes[int(index)],
            picture=image,
            float_overlay=overlay(image, of_float, mapping, contour=False),
            int8_overlay=overlay(image, of_int8, mapping, contour=False),
            with_float=_correlation(of_int8, of_float),
            with_trained=_correlation(of_int8, of_trained),
        )
        for title, index, image, of_float, of_trained, of_int8 in zip(
            titles, explained, images, exact, trained, found.saliency, strict=True
        )
    )


def _correlation(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    if np.ptp(one) == 0 or np.ptp(other) == 0:
        return float("nan")
    return rank_correlation(one, other)
