"""One pass over all images of a data set, and what it finds."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from train.data.cache import visit_frames
from train.data.duplicates import (
    DEFAULT_THRESHOLD,
    THUMBNAIL,
    fingerprints,
    near_duplicates,
)
from train.data.masks import has_mask
from train.data.overlays import field_of_view, overlay_parts, shared_overlays
from train.data.sample import Dataset, Sample
from train.data.sources import open_dataset, passed_over
from train.data.split import DEFAULT_FRACTIONS, PARTS, Split, split_dataset
from train.data_check.findings import (
    DatasetReport,
    DuplicateFindings,
    DuplicatePair,
    OverlayFinding,
)
from train.run.progress import Reporter

__all__ = ["Inspection", "inspect_dataset"]

_MAX_LISTED = 1000
# Smaller regions, of a cell or two, are in the picture but not in the words.
_SMALLEST_OVERLAY = 0.002
_DARK = 64


@dataclass(frozen=True)
class Inspection:
    """The findings, and what a contact sheet of them needs.

    Attributes:
        report: the findings.
        classes: class names by index.
        samples: readable images.
        thumbnails: uint8 ``[N, 64, 64, 3]``, their whole frames.
        overlays: bool ``[C, 64, 64]``, the regions that tell a class.
    """

    report: DatasetReport
    classes: tuple[str, ...]
    samples: tuple[Sample, ...]
    thumbnails: NDArray[np.uint8]
    overlays: NDArray[np.bool_]


def inspect_dataset(
    source: str, split_seed: int, reporter: Reporter, threshold: int = DEFAULT_THRESHOLD
) -> Inspection:
    """List, split and read every image once.

    Args:
        source: see ``open_dataset``.
        split_seed: of the split that ``train`` would draw.
        reporter: told how it goes.
        threshold: bits of 128 that the hashes of near-duplicates may differ in.

    Raises:
        DataError: the source cannot be listed or split; unreadable images are only reported.
    """
    dataset = open_dataset(source)
    split = split_dataset(dataset, split_seed, DEFAULT_FRACTIONS)
    thumbnails = np.zeros((len(dataset.samples), THUMBNAIL.height, THUMBNAIL.width, 3), np.uint8)
    sizes: dict[int, tuple[int, int]] = {}
    brightest: dict[int, int] = {}

    def look(position: int, frame: NDArray[np.uint8]) -> None:
        sizes[position] = (frame.shape[1], frame.shape[0])
        brightest[position] = int(frame.max())
        THUMBNAIL.apply_into(frame, thumbnails[position])

    reporter.start("reading images", len(dataset.samples))
    problems = visit_frames(dataset.samples, look, skip_bad=True, advance=reporter.advance)
    readable = sorted(sizes)
    thumbnails = thumbnails[readable]
    seen = split.of(dataset.samples[position] for position in readable)
    labels = np.array([dataset.classes.index(sample.label) for sample in seen.samples], np.int64)
    reporter.start("comparing images", 2)
    pairs = near_duplicates(fingerprints(thumbnails), threshold)
    reporter.advance(1)
    regions, overlays = _overlays(dataset, seen, thumbnails, labels)
    reporter.advance(2)
    report = DatasetReport(
        source=source,
        images=len(dataset.samples),
        table=_table(dataset, split),
        group_table=_group_table(dataset, split),
        groups=len({s.group for s in dataset.samples}) if dataset.has_groups else None,
        own_split=dataset.has_own_split,
        masks=sum(has_mask(sample) for sample in dataset.samples),
        sizes=tuple(
            (width, height, count)
            for (width, height), count in Counter(sizes.values()).most_common()
        ),
        border=1 - float(field_of_view(thumbnails).mean()) if readable else 0.0,
        duplicates=_duplicates(seen, pairs, threshold),
        overlays=overlays,
        unreadable=tuple(problem for problem in problems if problem),
        left_out=passed_over(source),
        dark=sum(level < _DARK for level in brightest.values()),
    )
    return Inspection(report, dataset.classes, seen.samples, thumbnails, regions)


def _table(dataset: Dataset, split: Split) -> dict[str, dict[str, int]]:
    counted = Counter(zip((sample.label for sample in split.samples), split.parts, strict=True))
    return {label: {part: counted[label, part] for part in PARTS} for label in dataset.classes}


def _group_table(dataset: Dataset, split: Split) -> dict[str, dict[str, int]]:
    groups = defaultdict(set)
    for sample, part in zip(split.samples, split.parts, strict=True):
        groups[sample.label, part].add(sample.group)
    return {label: {part: len(groups[label, part]) for part in PARTS} for label in dataset.classes}


def _duplicates(split: Split, pairs: NDArray[np.int64], threshold: int) -> DuplicateFindings:
    def differ(values: list[str]) -> NDArray[np.bool_]:
        array = np.array(values)
        return np.asarray(array[pairs[:, 0]] != array[pairs[:, 1]])

    parts = differ(list(split.parts))
    labels = differ([sample.label for sample in split.samples])
    groups = differ([sample.group for sample in split.samples])
    gravest = np.argsort(-(2 * parts + 1 * labels), kind="stable")[:_MAX_LISTED]
    return DuplicateFindings(
        threshold=threshold,
        pairs=len(pairs),
        images=len(np.unique(pairs)),
        across_parts=int(parts.sum()),
        across_classes=int(labels.sum()),
        across_groups=int(groups.sum()),
        listed=tuple(
            _pair(split, *pairs[index], same_group=not groups[index]) for index in gravest
        ),
    )


def _pair(split: Split, first: int, second: int, *, same_group: bool) -> DuplicatePair:
    one, other = split.samples[first], split.samples[second]
    return DuplicatePair(
        files=(one.key, other.key),
        labels=(one.label, other.label),
        parts=(split.parts[first], split.parts[second]),
        same_group=bool(same_group),
    )


def _overlays(
    dataset: Dataset, split: Split, thumbnails: NDArray[np.uint8], labels: NDArray[np.int64]
) -> tuple[NDArray[np.bool_], tuple[OverlayFinding, ...]]:
    regions = np.zeros((len(dataset.classes), THUMBNAIL.height, THUMBNAIL.width), dtype=bool)
    if len(labels):
        found = shared_overlays(
            thumbnails, labels, groups=[sample.group for sample in split.samples]
        )
        regions[: len(found)] = found
    findings = [
        OverlayFinding(
            label=dataset.classes[part.label],
            box=part.box,
            area=part.area,
            shares=dict(zip(dataset.classes, part.shares, strict=False)),
        )
        for part in overlay_parts(thumbnails, labels, regions)
        if part.area >= _SMALLEST_OVERLAY
    ]
    return regions, tuple(sorted(findings, key=lambda finding: -finding.area))
