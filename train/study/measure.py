"""From a network to the figures of a record: every image's outcome and every lesion's saliency."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from edge_runtime.classifier import softmax
from edge_runtime.errors import ArtifactError
from edge_runtime.map_grid import MapGrid
from edge_runtime.metrics import (
    Region,
    classification_metrics,
    energy_inside,
    pointing,
)
from train.attribution import places_of
from train.evaluation.localization import centred_gaussian
from train.evaluation.maps import evidence_on_pixels, map_name, smoothed
from train.prediction import predict_logits, predict_saliency
from train.quantization import QuantizedNetwork
from train.run.progress import Reporter
from train.study.images import FoldImages
from train.study.records import MAPS, Images, Lesions
from train.temperature import fit_temperature

__all__ = ["Measurement", "measure"]

_BATCH = 32
_DIGITS = 5


@dataclass(frozen=True)
class Measurement:
    """What a record holds of the network's outputs.

    Attributes:
        confusion: true class by predicted class.
        metrics: figures by name; None where not defined.
        images: outcome of each image.
        lesions: saliency of each lesion.
    """

    confusion: tuple[tuple[int, ...], ...]
    metrics: dict[str, float | None]
    images: Images
    lesions: Lesions


def measure(
    network: QuantizedNetwork,
    fold: FoldImages,
    classes: tuple[str, ...],
    region: Region | None,
    reporter: Reporter,
) -> Measurement:
    """Classify the tested images and explain the tested lesions.

    Probabilities are calibrated by a temperature from the validation part; saliency is that of the
    lesion's class, as ``saliedge evaluate`` measures it.
    """
    reporter.start("classifying", len(fold.test.samples))
    val_logits = predict_logits(network, fold.val.images, _BATCH)
    temperature = fit_temperature(val_logits, fold.val.labels(classes))
    labels = fold.test.labels(classes)
    probabilities = softmax(predict_logits(network, fold.test.images, _BATCH), temperature)
    figures = classification_metrics(labels, probabilities)
    predicted = probabilities.argmax(axis=1)
    top = probabilities[np.arange(len(labels)), predicted]
    return Measurement(
        confusion=tuple(tuple(int(n) for n in line) for line in figures.confusion),
        metrics={name: _defined(value) for name, value in figures.scalars(classes).items()},
        images=Images(
            index=fold.ranks,
            group=fold.groups,
            label=tuple(labels.tolist()),
            predicted=tuple(predicted.tolist()),
            probability=tuple(round(float(value), _DIGITS) for value in top),
        ),
        lesions=_lesions(network, fold, classes, region, reporter),
    )


def _lesions(
    network: QuantizedNetwork,
    fold: FoldImages,
    classes: tuple[str, ...],
    region: Region | None,
    reporter: Reporter,
) -> Lesions:
    if not fold.lesions:
        return Lesions()
    height, width = fold.masks[0].shape
    columns: dict[str, tuple[float | None, ...]] = {}
    for method, prefix in MAPS.items():
        try:
            places = places_of(network, method)
        except ArtifactError:
            continue  # This network has no such map; its columns stay empty.
        grid = places.grid if places else None
        found = _of_maps(network, fold, classes, region, reporter, method, grid)
        columns |= {f"{prefix}{name}": values for name, values in found.items()}
    gaussian = centred_gaussian(height, width)
    return Lesions(
        index=tuple(fold.ranks[i] for i in fold.lesions),
        group=tuple(fold.groups[i] for i in fold.lesions),
        area=tuple(round(float(mask.mean()), _DIGITS) for mask in fold.masks),
        off_centre=tuple(int(not mask[height // 2, width // 2]) for mask in fold.masks),
        fixed_pixel=tuple(int(mask[fold.fixed_pixel]) for mask in fold.masks),
        gaussian=tuple(round(energy_inside(gaussian, mask), _DIGITS) for mask in fold.masks),
        **columns,
    )


def _of_maps(
    network: QuantizedNetwork,
    fold: FoldImages,
    classes: tuple[str, ...],
    region: Region | None,
    reporter: Reporter,
    method: str,
    grid: MapGrid | None,
) -> dict[str, tuple[float | None, ...]]:
    """Pointing, energy and the share in the region of one method's map of each lesion."""
    chosen = np.asarray(fold.lesions)
    size = fold.masks[0].shape
    marked = region.mask(*size) if region else None
    columns: dict[str, list[float | None]] = {"pointing": [], "energy": []}
    if marked is not None:
        columns["region"] = []
    reporter.start(f"explaining lesions, {map_name(method)}", len(chosen))
    for start in range(0, len(chosen), _BATCH):
        images = fold.test.images[chosen[start : start + _BATCH]]
        index = np.full(len(images), classes.index(fold.lesion_class))
        maps = predict_saliency(network, images, index, _BATCH, method)
        evidence = evidence_on_pixels(maps, size, grid)
        places = smoothed(evidence) if maps.shape[1:] == size else evidence
        for one, place, mask in zip(
            evidence, places, fold.masks[start : start + _BATCH], strict=True
        ):
            columns["pointing"].append(_defined(pointing(place, mask)))
            columns["energy"].append(_defined(energy_inside(one, mask)))
            if marked is not None:
                columns["region"].append(_defined(energy_inside(one, marked)))
        reporter.advance(min(start + _BATCH, len(chosen)))
    return {name: tuple(values) for name, values in columns.items()}


def _defined(value: float) -> float | None:
    return None if math.isnan(value) else round(value, _DIGITS)
