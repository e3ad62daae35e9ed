"""From the records of a study to figures with intervals, and to differences from float.

The folds of a row are pooled: every image was tested once, by a network that never saw its group,
and the figures are those of all images together. Intervals are 95 % percentile bootstrap intervals
that resample whole groups. A difference from float is taken image by image over the folds that both
rows have, and resampled as such: two rows that err on the same images differ by less than their own
intervals suggest.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from statistics import fmean

import numpy as np
import numpy.typing as npt

from edge_runtime.metrics import Interval, percentile_interval, resample_counts
from train.study.matrix import BASELINE, MATRIX, Row
from train.study.plan import Plan
from train.study.records import MAPS, Lesions, Record

__all__ = ["Analysis", "RowFigures", "analyse"]

Floats = npt.NDArray[np.float64]
_REPLICATES = 2000
_PAIRED = ("pointing", "energy")


@dataclass(frozen=True)
class RowFigures:
    """What is known of one row.

    Attributes:
        row: which.
        folds: numbers of the folds that are done.
        images: how many images they tested.
        lesions: how many lesions they explained.
        off_centre: how many of those are off-centre.
        figures: name to interval; differences from float end in ``_minus_float``.
        sensitivity: of each class, NaN where it was not tested.
        specificity: likewise.
        weight_bytes: see ``Cost``; 0 for a blind guess.
        bit_operations: likewise.
        minutes: mean minutes of training in a fold, behind the shared float network.
    """

    row: Row
    folds: tuple[int, ...]
    images: int
    lesions: int
    off_centre: int
    figures: Mapping[str, Interval]
    sensitivity: tuple[float, ...]
    specificity: tuple[float, ...]
    weight_bytes: int
    bit_operations: int
    minutes: float


@dataclass(frozen=True)
class Analysis:
    """A study as far as it is done.

    Attributes:
        plan: recipe and folds.
        classes: names by index.
        rows: those with a record, in the order of the matrix.
        missing: names of rows without a record.
        blind: figures of guesses that do not look at the picture, by name of the guess.
        blind_lesions: how many lesions those are over, all and off-centre.
        lesion_class: what the lesions are of, or empty.
        foreign: records in the folder that belong to another recipe or other folds.
        hours: of training and measuring behind the rows, the shared float networks included.
        machines: processors, with threads, that the rows were computed on.
        versions: versions of the package and hashes of its sources, likewise.
    """

    plan: Plan
    classes: tuple[str, ...]
    rows: tuple[RowFigures, ...]
    missing: tuple[str, ...]
    blind: Mapping[str, Mapping[str, Interval]]
    blind_lesions: tuple[int, int]
    lesion_class: str
    foreign: int
    hours: float
    machines: tuple[str, ...]
    versions: tuple[str, ...]


def analyse(plan: Plan, records: Mapping[tuple[int, str], Record]) -> Analysis:
    """Gather the records that belong to the plan.

    Rows of the same configuration share their records.
    """
    of_row = {
        name: tuple(
            records[key]
            for fold in range(plan.folds)
            if (key := (fold, plan.sha256(row, fold))) in records
        )
        for name, row in MATRIX.items()
    }
    used = {
        (record.fold, record.config_sha256): record for all_ in of_row.values() for record in all_
    }
    baseline = of_row[BASELINE]
    fullest = max(of_row.values(), key=len)
    shared = {record.fold: record.seconds["shared"] for record in used.values()}
    own = sum(r.seconds["training"] + r.seconds["measuring"] for r in used.values())
    return Analysis(
        plan=plan,
        classes=fullest[0].classes if fullest else (),
        rows=tuple(
            _row_figures(MATRIX[name], found, baseline) for name, found in of_row.items() if found
        ),
        missing=tuple(name for name, found in of_row.items() if not found),
        blind=_blind(fullest),
        blind_lesions=_lesion_counts(fullest),
        lesion_class=fullest[0].lesion_class if fullest else "",
        foreign=len(records) - len(used),
        hours=(own + sum(shared.values())) / 3600,
        machines=tuple(
            sorted(
                {f"{r.machine['processor']}, {r.machine['threads']} threads" for r in used.values()}
            )
        ),
        versions=tuple(
            sorted(
                {f"{r.code['saliedge']} ({r.code['sources_sha256'][:12]})" for r in used.values()}
            )
        ),
    )


def _row_figures(row: Row, records: Sequence[Record], baseline: Sequence[Record]) -> RowFigures:
    outcome = _Outcome(records)
    figures = outcome.figures() | _saliency_figures(records)
    common = {record.fold for record in records} & {record.fold for record in baseline}
    if row.name != BASELINE and common:
        ours = [record for record in records if record.fold in common]
        theirs = [record for record in baseline if record.fold in common]
        figures |= _Outcome(ours).minus(_Outcome(theirs)) | _saliency_minus(ours, theirs)
    confusion = np.sum([np.asarray(record.confusion) for record in records], axis=0)
    sensitivity, specificity = _class_shares(confusion[None].astype(np.float64))
    lesions, off_centre = _lesion_counts(records)
    return RowFigures(
        row=row,
        folds=tuple(record.fold for record in records),
        images=len(outcome.label),
        lesions=lesions,
        off_centre=off_centre,
        figures=figures,
        sensitivity=tuple(float(value) for value in sensitivity[0]),
        specificity=tuple(float(value) for value in specificity[0]),
        weight_bytes=records[0].cost["weight_bytes"],
        bit_operations=records[0].cost["bit_operations"],
        minutes=fmean(record.seconds["training"] for record in records) / 60,
    )


class _Resampled:
    """Statistics of the data as they are and of every resample at once."""

    def __init__(self, groups: Sequence[int]) -> None:
        self.weights = _weights(tuple(groups))

    def mean(self, values: Sequence[float | None] | Floats) -> Interval:
        """Mean of one number per image; None and NaN are left out."""
        numbers = np.array([np.nan if v is None else v for v in values], np.float64)
        return self.ratio(numbers, np.ones(len(numbers)))

    def ratio(self, above: Floats, below: Floats) -> Interval:
        """Ratio of two means over the images where both are defined."""
        defined = ~(np.isnan(above) | np.isnan(below))
        top, bottom = (self.weights @ np.where(defined, values, 0.0) for values in (above, below))
        return interval(np.divide(top, bottom, out=np.full(len(top), np.nan), where=bottom > 0))


# Rows of the same folds have the same resamples, of images, of lesions and of off-centre ones.
@lru_cache(maxsize=4)
def _weights(groups: tuple[int, ...]) -> Floats:
    """How often each image counts, ``[1 + R, N]``; the first line is the data as they are."""
    drawn = resample_counts(groups, replicates=_REPLICATES)
    return np.vstack([np.ones((1, len(groups))), drawn]).astype(np.float64)


def interval(statistic: Floats) -> Interval:
    """The first value with the percentiles of the others."""
    return percentile_interval(float(statistic[0]), statistic[1:])


class _Outcome:
    """Labels and predictions of the images of some records, in the order of contents."""

    def __init__(self, records: Sequence[Record]) -> None:
        columns = {
            name: np.concatenate([np.asarray(getattr(r.images, name)) for r in records])
            for name in ("index", "group", "label", "predicted")
        }
        order = np.argsort(columns["index"], kind="stable")
        self.index, self.group, self.label, self.predicted = (
            columns[name][order] for name in ("index", "group", "label", "predicted")
        )
        self.classes = len(records[0].classes)

    def figures(self) -> dict[str, Interval]:
        """Accuracy, macro sensitivity and macro specificity."""
        weights = _Resampled(self.group.tolist()).weights
        return {name: interval(values) for name, values in self._statistics(weights).items()}

    def minus(self, other: _Outcome) -> dict[str, Interval]:
        """Differences from another outcome on the same images."""
        if not np.array_equal(self.index, other.index):
            raise ValueError("the outcomes are not of the same images")
        weights = _Resampled(self.group.tolist()).weights
        ours, theirs = self._statistics(weights), other._statistics(weights)
        return {f"{name}_minus_float": interval(ours[name] - theirs[name]) for name in ours}

    def _statistics(self, weights: Floats) -> dict[str, Floats]:
        cells = np.eye(self.classes**2)[self.label * self.classes + self.predicted]
        confusion = (weights @ cells).reshape(-1, self.classes, self.classes)
        sensitivity, specificity = _class_shares(confusion)
        hits = np.trace(confusion, axis1=1, axis2=2)
        return {
            "accuracy": hits / confusion.sum(axis=(1, 2)),
            "macro_sensitivity": np.nanmean(sensitivity, axis=1),
            "macro_specificity": np.nanmean(specificity, axis=1),
        }


def _class_shares(confusion: Floats) -> tuple[Floats, Floats]:
    """Sensitivity and specificity of each class, ``[R, C]`` of ``[R, C, C]``; NaN if not tested."""
    hits = np.diagonal(confusion, axis1=1, axis2=2)
    actual, predicted = confusion.sum(axis=2), confusion.sum(axis=1)
    others = confusion.sum(axis=(1, 2))[:, None] - actual
    sensitivity = np.divide(hits, actual, out=np.full(hits.shape, np.nan), where=actual > 0)
    rejected = others - (predicted - hits)
    specificity = np.divide(rejected, others, out=np.full(hits.shape, np.nan), where=others > 0)
    return sensitivity, specificity


def _lesion_columns(records: Sequence[Record]) -> dict[str, Floats]:
    """The columns of ``Lesions`` over all records, in the order of contents, None as NaN."""
    columns = {
        entry.name: np.array(
            [value for record in records for value in getattr(record.lesions, entry.name)],
            np.float64,
        )
        for entry in fields(Lesions)
    }
    order = np.argsort(columns["index"], kind="stable")
    # A study without a region has no such column.
    return {name: values[order] for name, values in columns.items() if len(values) == len(order)}


def _selections(columns: Mapping[str, Floats]) -> dict[str, dict[str, Floats]]:
    off = columns["off_centre"] == 1
    return {
        "all": dict(columns),
        "off_centre": {name: values[off] for name, values in columns.items()},
    }


def _lesion_counts(records: Sequence[Record]) -> tuple[int, int]:
    off_centre = [value for record in records for value in record.lesions.off_centre]
    return len(off_centre), sum(off_centre)


def _over_selections(
    records: Sequence[Record],
    make: Callable[[_Resampled, dict[str, Floats]], dict[str, Interval]],
) -> dict[str, Interval]:
    """The figures of ``make`` by ``all/NAME`` and ``off_centre/NAME``, of what is not empty."""
    found: dict[str, Interval] = {}
    for selection, columns in _selections(_lesion_columns(records)).items():
        if len(columns["index"]):
            resampled = _Resampled(columns["group"].astype(np.int64).tolist())
            found |= {f"{selection}/{name}": v for name, v in make(resampled, columns).items()}
    return found


def _saliency_figures(records: Sequence[Record]) -> dict[str, Interval]:
    def make(resampled: _Resampled, columns: dict[str, Floats]) -> dict[str, Interval]:
        figures: dict[str, Interval] = {}
        for prefix in MAPS.values():
            for name in {f"{prefix}pointing", f"{prefix}region"} & columns.keys():
                figures[name] = resampled.mean(columns[name])
            if (name := f"{prefix}energy") in columns:
                figures[name] = resampled.mean(columns[name])
                figures[f"{name}_over_area"] = resampled.ratio(columns[name], columns["area"])
        return figures

    return _over_selections(records, make)


def _saliency_minus(ours: Sequence[Record], theirs: Sequence[Record]) -> dict[str, Interval]:
    others = _selections(_lesion_columns(theirs))
    found: dict[str, Interval] = {}
    for selection, columns in _selections(_lesion_columns(ours)).items():
        if len(columns["index"]):
            resampled = _Resampled(columns["group"].astype(np.int64).tolist())
            paired = {f"{prefix}{name}" for prefix in MAPS.values() for name in _PAIRED}
            for name in paired & columns.keys() & others[selection].keys():
                difference = columns[name] - others[selection][name]
                found[f"{selection}/{name}_minus_float"] = resampled.mean(difference)
    return found


def _blind(records: Sequence[Record]) -> dict[str, dict[str, Interval]]:
    """What guesses reach that do not look at the picture; they depend on the masks alone."""

    def of(name: str, figure: str) -> dict[str, Interval]:
        return _over_selections(records, lambda r, columns: {figure: r.mean(columns[name])})

    def centre(resampled: _Resampled, columns: dict[str, Floats]) -> dict[str, Interval]:
        return {"pointing": resampled.mean(1 - columns["off_centre"])}

    def gaussian(resampled: _Resampled, columns: dict[str, Floats]) -> dict[str, Interval]:
        ratio = resampled.ratio(columns["gaussian"], columns["area"])
        return {"energy": resampled.mean(columns["gaussian"]), "energy_over_area": ratio}

    if not any(record.lesions.index for record in records):
        return {}
    return {
        "centre pixel": _over_selections(records, centre),
        "best fixed pixel": of("fixed_pixel", "pointing"),
        "centred Gaussian": _over_selections(records, gaussian),
        "even map": of("area", "energy"),
    }
