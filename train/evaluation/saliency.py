"""Everything that is measured of a target's saliency maps, and on which images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_runtime.errors import UsageError
from edge_runtime.metrics import Region
from train.data import LoadedImages, Sample
from train.evaluation.agreement import AgreementRow, compare_maps
from train.evaluation.lesions import Lesions, find_lesions, lesion_masks
from train.evaluation.localization import LocalizationRow, localize
from train.evaluation.maps import MAP_NAMES, Maps
from train.evaluation.regions import RegionRow, region_rows
from train.evaluation.targets import RunTarget, Target, float_copy
from train.progress import Reporter

__all__ = ["DEFAULT_SAMPLE", "SaliencyMeasures", "SaliencyOptions", "measure_saliency"]

DEFAULT_SAMPLE = 32
_SAMPLE_SEED = 0


@dataclass(frozen=True)
class SaliencyOptions:
    """What to measure.

    Attributes:
        methods: keys of ``MAP_NAMES``; empty for nothing at all.
        regions: parts of the picture whose share of the saliency is wanted.
        against: another target, whose maps of the same kinds are compared with.
        sample: number of images that the slow measures are taken on, drawn by a fixed seed; None
            for all, 0 for none.
    """

    methods: tuple[str, ...] = ("gradient",)
    regions: tuple[Region, ...] = ()
    against: Target | None = None
    sample: int | None = DEFAULT_SAMPLE

    def __post_init__(self) -> None:
        unknown = [method for method in self.methods if method not in MAP_NAMES]
        if unknown:
            raise UsageError(
                f"there is no saliency map {unknown[0]!r}; choose one of {', '.join(MAP_NAMES)}."
            )
        if self.sample is not None and self.sample < 0:
            raise UsageError(f"a sample of {self.sample} images cannot be drawn.")


@dataclass(frozen=True)
class SaliencyMeasures:
    """What was measured; a part is empty where it was not asked for or could not be.

    Attributes:
        masked_class: the class whose lesions have masks.
        localization: maps against lesion masks, beside blind guesses.
        regions: shares of the maps in given parts of the picture.
        agreement: maps against those of another precision, engine or run.
    """

    masked_class: str | None = None
    localization: tuple[LocalizationRow, ...] = ()
    regions: tuple[RegionRow, ...] = ()
    agreement: tuple[AgreementRow, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The part ``saliency`` of ``metrics.json``."""
        return {
            "class": self.masked_class,
            "rows": [row.to_json() for row in self.localization],
            "regions": [row.to_json() for row in self.regions],
            "agreement": [row.to_json() for row in self.agreement],
        }


def measure_saliency(
    target: Target,
    loaded: LoadedImages,
    labels: NDArray[np.int64],
    training: Sequence[Sample],
    options: SaliencyOptions,
    reporter: Reporter,
) -> SaliencyMeasures:
    """Measure the maps that explain each image's own class.

    Args:
        target: what is measured.
        loaded: the N images.
        labels: int64 ``[N]``.
        training: the training part, whose masks give the blind row of the best fixed pixel.
        options: what to measure.
        reporter: told how it goes.

    Raises:
        UsageError: the target cannot give such maps, or a region holds no pixel.
        ArtifactError, DependencyError: see ``Target.saliency``.
        DataError: a mask cannot be used.
    """
    return _Measurement(target, loaded, labels, options, reporter).run(training)


class _Measurement:
    """The images of one evaluation, and the maps that were made of them."""

    def __init__(
        self,
        target: Target,
        loaded: LoadedImages,
        labels: NDArray[np.int64],
        options: SaliencyOptions,
        reporter: Reporter,
    ) -> None:
        self.target, self.loaded, self.labels = target, loaded, labels
        self.options, self.reporter = options, reporter
        self.groups = np.array([sample.group for sample in loaded.samples])
        self.sample = _draw(len(labels), options.sample)

    def run(self, training: Sequence[Sample]) -> SaliencyMeasures:
        lesions = find_lesions(self.loaded.samples, self.target.preprocessing)
        wanted = self._wanted(lesions)
        if not len(wanted):
            return SaliencyMeasures()
        maps = {
            MAP_NAMES[method]: _Sparse(wanted, self._maps(self.target, wanted, method, "saliency"))
            for method in self.options.methods
        }
        localization: list[LocalizationRow] = []
        if lesions is not None:
            masks = lesion_masks(training, lesions.label, self.target.preprocessing)
            chosen = {name: found.at(lesions.positions) for name, found in maps.items()}
            groups = self.groups[lesions.positions].tolist()
            localization = localize(lesions, groups, chosen, masks)
        return SaliencyMeasures(
            masked_class=lesions.label if lesions else None,
            localization=tuple(localization),
            regions=tuple(self._regions(maps)),
            agreement=tuple(self._agreement(maps)),
        )

    def _wanted(self, lesions: Lesions | None) -> NDArray[np.int64]:
        if self.options.regions:
            return np.arange(len(self.labels))
        of_lesions = lesions.positions if lesions else np.empty(0, np.int64)
        return np.union1d(of_lesions, self.sample)

    def _maps(self, target: Target, chosen: NDArray[np.int64], method: str, purpose: str) -> Maps:
        self.reporter.start(f"{purpose}: {MAP_NAMES[method]}", len(chosen))
        images, classes = self.loaded.images[chosen], self.labels[chosen]
        return target.saliency(images, classes, method, self.reporter.advance)

    def _regions(self, maps: dict[str, _Sparse]) -> list[RegionRow]:
        if not self.options.regions:
            return []
        return region_rows(
            self.options.regions,
            (self.target.preprocessing.height, self.target.preprocessing.width),
            {name: found.maps for name, found in maps.items()},
            self.labels,
            self.target.classes,
            self.groups.tolist(),
        )

    def _agreement(self, maps: dict[str, _Sparse]) -> list[AgreementRow]:
        if not len(self.sample):
            return []
        groups = self.groups[self.sample].tolist()
        rows = []
        for method in self.options.methods:
            name = MAP_NAMES[method]
            for label, other in _others(self.target, self.options.against).items():
                theirs = self._maps(other, self.sample, method, f"saliency, {label}")
                rows.append(compare_maps(name, label, maps[name].at(self.sample), theirs, groups))
        return rows


@dataclass(frozen=True, eq=False)
class _Sparse:
    """Maps of some images, found again by the images' positions."""

    positions: NDArray[np.int64]
    maps: Maps

    def at(self, wanted: NDArray[np.int64]) -> Maps:
        return self.maps[np.searchsorted(self.positions, wanted)]


def _others(target: Target, against: Target | None) -> dict[str, Target]:
    """Whose maps the target's are compared with: its own in float, and another target's."""
    found: dict[str, Target] = {}
    if isinstance(target, RunTarget) and target.network.quantize:
        found["its own, float"] = target.with_network(float_copy(target.network))
    if against is None:
        return found
    found[f"{against.path.name}: {against.description}"] = against
    if isinstance(against, RunTarget) and against.network.quantize:
        in_float = against.with_network(float_copy(against.network))
        found[f"{against.path.name}: {in_float.description}"] = in_float
    return found


def _draw(count: int, size: int | None) -> NDArray[np.int64]:
    """Positions of ``size`` of ``count`` images, the same ones every time, in order."""
    if size is None or size >= count:
        return np.arange(count)
    order = np.random.default_rng(_SAMPLE_SEED).permutation(count)
    return np.sort(order[:size])
