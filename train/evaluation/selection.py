"""Which images a run or a bundle is measured on, and that they are not those it learned from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from edge_runtime.errors import DataError, UsageError
from train.data import Dataset, Sample, open_dataset, split_dataset
from train.data.sources import recorded_source
from train.data.split import Split, read_split
from train.evaluation.targets import Target
from train.run.directory import RunDirectory

__all__ = ["Selection", "select_images"]


@dataclass(frozen=True)
class Selection:
    """Images to measure on.

    Attributes:
        source: what was named.
        part: ``train``, ``val``, ``test`` or ``all``.
        samples: the images.
        training: the images of the training part, for the blind rows of saliency; empty where it
            is not known.
        has_groups: whether groups were named.
    """

    source: str
    part: str
    samples: tuple[Sample, ...]
    training: tuple[Sample, ...]
    has_groups: bool


def select_images(
    target: Target, source: str | None, part: str, split_from: Path | None = None
) -> Selection:
    """Choose the images.

    The part is taken from the run's ``split.csv`` (of the target, or of ``split_from``). For a
    bundle without a run, the split is made again from the seed that the bundle carries, and its
    hash must be the bundle's.

    Args:
        target: what is measured.
        source: see ``open_dataset``; None takes the run's own images.
        part: ``train``, ``val``, ``test``, or ``all`` for images of any origin.
        split_from: a run whose split is taken.

    Raises:
        UsageError: a bundle needs to be told the images.
        DataError: the images are not those of the split, or have other classes.
    """
    run_path = split_from or (target.path if target.kind == "run" else None)
    run = RunDirectory(run_path) if run_path else None
    if source is None:
        if run is None:
            raise UsageError("a bundle holds no images; give --data, or --split-from RUN.")
        source = recorded_source(
            run.read_config().data.source, run.path, "say where they are with --data"
        )
    dataset = open_dataset(source)
    unknown = sorted(set(dataset.classes) - set(target.classes))
    if unknown:
        raise DataError(
            f"{source} has the class {unknown[0]!r}, which {target.path} does not know; its "
            f"classes are {', '.join(target.classes)}."
        )
    if part == "all":
        return Selection(source, part, dataset.samples, _training_part(run), dataset.has_groups)
    split = read_split(run.split, dataset) if run else _split_again(target, dataset)
    return Selection(source, part, split.part(part), split.part("train"), split.has_groups)


def _split_again(target: Target, dataset: Dataset) -> Split:
    record = target.provenance.get("split") or {}
    try:
        seed = int(record["seed"])
        train, val, test = (float(share) for share in record["fractions"])
        expected = str(record["sha256"])
    except (KeyError, TypeError, ValueError):
        raise DataError(
            f"{target.path} does not tell how its images were split; give --split-from RUN."
        ) from None
    split = split_dataset(dataset, seed, (train, val, test))
    if split.sha256 != expected:
        raise DataError(
            f"the parts that {target.path} was trained with cannot be drawn again from "
            f"{dataset.source}: it is other data, or they were drawn with --group-duplicates or "
            "--split-file; give --split-from RUN, or --split all for all images."
        )
    return split


def _training_part(run: RunDirectory | None) -> tuple[Sample, ...]:
    """The training part of a run whose images are still there."""
    if run is None:
        return ()
    try:
        return read_split(run.split, open_dataset(run.read_config().data.source)).part("train")
    except DataError:
        return ()
