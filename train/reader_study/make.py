"""Making a study: images are chosen and drawn, the lots are cast, page and key are written."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edge_runtime.errors import DataError, UsageError
from edge_runtime.files import (
    atomic_directory,
    atomic_write_text,
    refuse_existing,
    refuse_unwritable,
    wrote,
)
from train.data import Sample
from train.evaluation.selection import select_images
from train.evaluation.targets import BundleTarget
from train.reader_study.design import Design, draw_cases, draw_schedules
from train.reader_study.page import study_page
from train.reader_study.pictures import CasePictures, MapChoice, draw_pictures
from train.reader_study.records import KEY_FORMAT, KEY_VERSION, KeyCase, MapSource, StudyKey
from train.run.progress import Reporter

__all__ = ["KEY_FILE", "PAGE_FILE", "MadeStudy", "StudyOptions", "make_study"]

PAGE_FILE, KEY_FILE = "reader-study.html", "key.json"
_NAME_BYTES = 5
# A folder with answers in it is none: they are not written twice.
_is_earlier = wrote(PAGE_FILE, KEY_FILE)


@dataclass(frozen=True)
class StudyOptions:
    """What is made of what.

    Attributes:
        maps: one kind of map or two.
        out: folder to make.
        data: the images; None takes those of ``split_from``.
        part: ``test``, ``val``, ``train`` or ``all``.
        split_from: a run whose split is taken.
        cases: how many images; None for all.
        readers: how many read.
        comparisons: images with both maps side by side; None for all, 0 with one map.
        title: what readers are told that it is.
        seed: of every draw; None for one that nobody knows.
        engine: that runs the bundles; None for the first that is installed.
        max_side: of pictures, in pixels.
        lossless: pictures as PNG.
        force: replace an earlier folder.
    """

    maps: tuple[MapChoice, ...]
    out: Path
    data: str | None = None
    part: str = "test"
    split_from: Path | None = None
    cases: int | None = None
    readers: int = 6
    comparisons: int | None = None
    title: str = "Reader study"
    seed: int | None = None
    engine: str | None = None
    max_side: int = 1024
    lossless: bool = False
    force: bool = False

    def __post_init__(self) -> None:
        if len(set(self.maps)) < len(self.maps):
            raise UsageError("both maps are the same; give another bundle, or BUNDLE:cam.")


@dataclass(frozen=True)
class MadeStudy:
    """What was written.

    Attributes:
        page: the file for readers.
        key: the file that stays.
        design: the size of the study.
        bytes: of the page.
    """

    page: Path
    key: Path
    design: Design
    bytes: int


def make_study(options: StudyOptions, reporter: Reporter) -> MadeStudy:
    """Write page and key into one folder, which appears last and whole.

    Raises:
        UsageError: the design cannot be, or the bundles have other classes.
        DataError: an image cannot be read or shown.
        ArtifactError, DependencyError: a bundle cannot be used here, or has no such map.
        OutputError: the folder exists, or cannot be written.
    """
    refuse_existing(options.out, options.force, _is_earlier)
    refuse_unwritable(options.out, folder=True)
    targets = [BundleTarget(choice.bundle, engine=options.engine) for choice in options.maps]
    if len({target.classes for target in targets}) > 1:
        raise UsageError("the bundles have other classes, or in another order; compare one task.")
    seed = secrets.randbits(63) if options.seed is None else options.seed
    random = np.random.default_rng(seed)
    samples = _samples(options, targets[0], random)
    labels = [sample.label for sample in samples]
    design = _design(options, len(samples))
    reporter.start("drawing maps", len(samples))
    drawn = draw_pictures(
        samples,
        options.maps,
        targets,
        max_side=options.max_side,
        lossless=options.lossless,
        advance=reporter.advance,
    )
    names = _names(len(samples) * design.conditions + 1, random)
    cases = _cases(samples, drawn, names[1:], design.maps)
    key = StudyKey(
        study=names[0],
        title=options.title,
        seed=seed,
        readers=design.readers,
        classes=targets[0].classes,
        maps=tuple(
            MapSource(
                target.bundle.spec.name,
                target.bundle.sha256,
                choice.saliency,
                target.engine_name,
            )
            for choice, target in zip(options.maps, targets, strict=True)
        ),
        cases=cases,
    )
    pictures = {case.case: found.alone for case, found in zip(cases, drawn, strict=True)}
    for case, found in zip(cases, drawn, strict=True):
        pictures |= dict(zip(case.maps, found.with_maps, strict=True))
    page = study_page(key, cases, draw_schedules(labels, design, random), pictures)
    record = {"format": KEY_FORMAT, "version": KEY_VERSION, **key.to_json()}
    with atomic_directory(options.out, options.force, _is_earlier) as folder:
        atomic_write_text(folder / PAGE_FILE, page)
        atomic_write_text(folder / KEY_FILE, json.dumps(record, indent=1) + "\n")
    return MadeStudy(
        options.out / PAGE_FILE, options.out / KEY_FILE, design, len(page.encode("utf-8"))
    )


def _samples(
    options: StudyOptions, target: BundleTarget, random: np.random.Generator
) -> list[Sample]:
    selection = select_images(target, options.data, options.part, options.split_from)
    if not selection.samples:
        raise DataError(f"{selection.source} has no images in the part {options.part!r}.")
    available = selection.samples
    chosen = draw_cases([sample.label for sample in available], options.cases, random)
    return [available[position] for position in chosen]


def _design(options: StudyOptions, cases: int) -> Design:
    wanted = options.comparisons
    if wanted is None:
        wanted = cases if len(options.maps) == 2 else 0
    elif wanted and len(options.maps) != 2:
        raise UsageError("--comparisons shows two maps side by side; give two.")
    return Design(options.readers, cases, len(options.maps), wanted)


def _names(count: int, random: np.random.Generator) -> list[str]:
    """Different names that say nothing."""
    names: dict[str, None] = {}
    while len(names) < count:
        names[random.bytes(_NAME_BYTES).hex()] = None
    return list(names)


def _cases(
    samples: list[Sample], drawn: list[CasePictures], names: list[str], maps: int
) -> tuple[KeyCase, ...]:
    remaining = iter(names)
    return tuple(
        KeyCase(
            case=next(remaining),
            file=sample.key,
            label=sample.label,
            group=sample.group,
            maps=tuple(next(remaining) for _ in range(maps)),
            predicted=found.predicted,
        )
        for sample, found in zip(samples, drawn, strict=True)
    )
