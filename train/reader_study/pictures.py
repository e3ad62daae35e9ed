"""The pictures of a study: each image alone, and with each map drawn over it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_runtime.bundle.graphs import SaliencyMode
from edge_runtime.classifier import Classifier
from edge_runtime.engines import open_engine
from edge_runtime.errors import DataError
from edge_runtime.reporting.page import data_uri
from edge_runtime.saliency import overlay
from edge_runtime.sources import CaptureTime, Frame
from train.data import Sample
from train.data.cache import read_frame
from train.evaluation.targets import BundleTarget

__all__ = ["CasePictures", "MapChoice", "draw_pictures"]

_JPEG_QUALITY = 92


@dataclass(frozen=True)
class MapChoice:
    """A kind of map to be judged.

    Attributes:
        bundle: path of the bundle.
        saliency: which of its maps.
    """

    bundle: Path
    saliency: SaliencyMode = "gradient"


@dataclass(frozen=True)
class CasePictures:
    """One image, as addresses that hold the picture itself.

    Attributes:
        alone: the image.
        with_maps: the same with each map over it.
        predicted: the class that each map explains, its network's top class.
    """

    alone: str
    with_maps: tuple[str, ...]
    predicted: tuple[str, ...]


def draw_pictures(
    samples: Sequence[Sample],
    choices: Sequence[MapChoice],
    targets: Sequence[BundleTarget],
    *,
    max_side: int,
    lossless: bool,
    advance: Callable[[int], None],
) -> list[CasePictures]:
    """Classify each image by the INT8 graphs and draw their maps, as a device does.

    Args:
        samples: the images.
        choices: the maps.
        targets: their bundles, opened.
        max_side: pixels of the longer side above which pictures are made smaller.
        lossless: PNG instead of JPEG.
        advance: told how many images are done.

    Raises:
        DataError: an image cannot be read, or a map of it is flat, so that nothing would be shown.
        ArtifactError: a bundle has no such map.
    """
    classifiers = [
        Classifier(target.bundle, open_engine(target.engine_name, target.bundle, choice.saliency))
        for choice, target in zip(choices, targets, strict=True)
    ]
    try:
        drawn = []
        for done, sample in enumerate(samples, start=1):
            image = read_frame(sample)
            overlays, predicted = [], []
            for classifier in classifiers:
                over, label = _with_map(classifier, image, sample)
                overlays.append(_address(over, max_side, lossless))
                predicted.append(label)
            alone = _address(image, max_side, lossless)
            drawn.append(CasePictures(alone, tuple(overlays), tuple(predicted)))
            advance(done)
        return drawn
    finally:
        for classifier in classifiers:
            classifier.close()


def _with_map(
    classifier: Classifier, image: NDArray[np.uint8], sample: Sample
) -> tuple[NDArray[np.uint8], str]:
    frame = Frame(image, sample.key, 0, CaptureTime.now(), sample.key, still=True)
    found = classifier.classify(frame)
    assert found.saliency is not None
    if np.ptp(found.saliency) == 0:
        raise DataError(
            f"{sample.where} gets a map without any contrast from {classifier.identity.name}, "
            "which readers could not judge; leave the image out."
        )
    return overlay(image, found.saliency, found.mapping), found.label


def _address(image: NDArray[np.uint8], max_side: int, lossless: bool) -> str:
    """An address that holds the picture, made smaller if it is larger than ``max_side``."""
    height, width = image.shape[:2]
    scale = min(1.0, max_side / max(height, width))
    if scale < 1:
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
    return data_uri(image, None if lossless else _JPEG_QUALITY)
