"""Everything that is measured of a target's saliency maps, and on which images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_runtime.errors import UsageError
from edge_runtime.metrics import Region
from train.attribution import method_named
from train.data import LoadedImages, Sample
from train.data.sampling import balanced_draw
from train.evaluation.agreement import AgreementRow, compare_maps
from train.evaluation.insertion_deletion import InsertionDeletionRow, insertion_deletion
from train.evaluation.lesions import find_lesions, lesion_masks
from train.evaluation.localization import LocalizationRow, localize
from train.evaluation.maps import Maps, map_name
from train.evaluation.randomization import (
    RandomizationRow,
    cascade,
    compare_randomized,
    randomized_target,
)
from train.evaluation.regions import RegionRow, region_rows
from train.evaluation.saliency_picture import Example
from train.evaluation.targets import RunTarget, Target
from train.run.progress import Reporter

__all__ = ["DEFAULT_SAMPLE", "SaliencyMeasures", "SaliencyOptions", "measure_saliency"]

DEFAULT_SAMPLE = 24
_SAMPLE_SEED = 0


@dataclass(frozen=True)
class SaliencyOptions:
    """What to measure.

    Attributes:
        methods: names of saliency methods, also of plug-ins; empty for nothing at all.
        regions: parts of the picture whose share of the saliency is wanted.
        against: another target, whose maps of the same kinds are compared with.
        sample: number of images that the slow measures are taken on, drawn by a fixed seed; None
            for all, 0 for none.
        examples: number of images that are kept with their maps, for a picture of them.
    """

    methods: tuple[str, ...] = ("gradient",)
    regions: tuple[Region, ...] = ()
    against: Target | None = None
    sample: int | None = DEFAULT_SAMPLE
    examples: int = 0

    def __post_init__(self) -> None:
        for method in self.methods:
            method_named(method)  # raises if there is none
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
        randomization: maps against those of networks whose layers lost their training.
        insertion_deletion: the class's probability as pixels come and go in the maps' order.
        examples: some images with their maps; not part of the JSON.
    """

    masked_class: str | None = None
    localization: tuple[LocalizationRow, ...] = ()
    regions: tuple[RegionRow, ...] = ()
    agreement: tuple[AgreementRow, ...] = ()
    randomization: tuple[RandomizationRow, ...] = ()
    insertion_deletion: tuple[InsertionDeletionRow, ...] = ()
    examples: tuple[Example, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The part ``saliency`` of ``metrics.json``.

        ``class`` (whose lesions have masks, or null) and ``rows`` (maps against lesion masks, and
        blind guesses) are called otherwise here.
        """
        return {
            "class": self.masked_class,
            "rows": [row.to_json() for row in self.localization],
            "regions": [row.to_json() for row in self.regions],
            "agreement": [row.to_json() for row in self.agreement],
            "randomization": [row.to_json() for row in self.randomization],
            "insertion_deletion": [row.to_json() for row in self.insertion_deletion],
        }


def measure_saliency(
    target: Target,
    loaded: LoadedImages,
    labels: NDArray[np.int64],
    probabilities: NDArray[np.float64],
    training: Sequence[Sample],
    weights: RunTarget | None,
    options: SaliencyOptions,
    reporter: Reporter,
) -> SaliencyMeasures:
    """Measure the maps that explain each image's own class.

    Args:
        target: what is measured.
        loaded: the N images.
        labels: int64 ``[N]``.
        probabilities: float64 ``[N, C]``, of the target.
        training: the training part, whose masks give the blind row of the best fixed pixel.
        weights: the run that the target is or comes from, whose network is randomised for the
            blind rows of random weights; without it there are none.
        options: what to measure.
        reporter: told how it goes.

    Raises:
        UsageError: the target cannot give such maps, or a region holds no pixel.
        ArtifactError, DependencyError: see ``Target.saliency``.
        DataError: a mask cannot be used.
    """
    measurement = _Measurement(target, loaded, labels, probabilities, weights, options, reporter)
    return measurement.run(training)


class _Measurement:
    """The images of one evaluation, and the maps that are made of them."""

    def __init__(
        self,
        target: Target,
        loaded: LoadedImages,
        labels: NDArray[np.int64],
        probabilities: NDArray[np.float64],
        weights: RunTarget | None,
        options: SaliencyOptions,
        reporter: Reporter,
    ) -> None:
        self.probabilities = probabilities
        self.target, self.loaded, self.labels, self.weights = target, loaded, labels, weights
        self.options, self.reporter = options, reporter
        self.groups = np.array([sample.group for sample in loaded.samples])
        self.sample = _draw(len(labels), options.sample)
        self.lesions = find_lesions(loaded.samples, target.preprocessing)
        places = {map_name(method): target.map_grid(method) for method in options.methods}
        self.grids = {name: grid for name, grid in places.items() if grid is not None}

    def run(self, training: Sequence[Sample]) -> SaliencyMeasures:
        of_lesions = self.lesions.positions if self.lesions else np.empty(0, np.int64)
        wanted = np.union1d(of_lesions, self.sample)
        every = np.arange(len(self.labels)) if self.options.regions else wanted
        if not len(every):
            return SaliencyMeasures()
        maps = self._maps(self.target, every, "saliency")
        random = None
        if self.weights is not None and len(wanted):
            layers = cascade(self.weights)[-1]
            blind = randomized_target(self.weights, layers, self.loaded.images[wanted])
            random = self._maps(blind, wanted, "saliency of random weights")
        return SaliencyMeasures(
            masked_class=self.lesions.label if self.lesions else None,
            localization=tuple(self._localization(maps, random, training)),
            regions=tuple(self._regions(maps)),
            agreement=tuple(self._agreement(maps, random)),
            randomization=tuple(self._randomization(maps, random)),
            insertion_deletion=tuple(self._insertion_deletion(maps)),
            examples=tuple(self._examples(maps)),
        )

    def _maps(self, target: Target, chosen: NDArray[np.int64], purpose: str) -> _Maps:
        """Maps of every kind, of some images."""
        images, classes = self.loaded.images[chosen], self.labels[chosen]
        by_name = {}
        for method in self.options.methods:
            self.reporter.start(f"{purpose}: {map_name(method)}", len(chosen))
            found = target.saliency(images, classes, method, self.reporter.advance)
            by_name[map_name(method)] = found
        return _Maps(chosen, by_name)

    def _localization(
        self, maps: _Maps, random: _Maps | None, training: Sequence[Sample]
    ) -> list[LocalizationRow]:
        if self.lesions is None:
            return []
        positions = self.lesions.positions
        chosen = maps.at(positions)
        if random is not None:
            blind = random.at(positions)
            chosen |= {f"blind: random weights, {name}": found for name, found in blind.items()}
        masks = lesion_masks(training, self.lesions.label, self.target.preprocessing)
        groups = self.groups[positions].tolist()
        grids = dict(self.grids)
        grids |= {f"blind: random weights, {name}": grid for name, grid in self.grids.items()}
        return localize(self.lesions, groups, chosen, masks, grids)

    def _regions(self, maps: _Maps) -> list[RegionRow]:
        if not self.options.regions:
            return []
        return region_rows(
            self.options.regions,
            (self.target.preprocessing.height, self.target.preprocessing.width),
            maps.by_name,
            self.labels,
            self.target.classes,
            self.groups.tolist(),
            self.grids,
        )

    def _agreement(self, maps: _Maps, random: _Maps | None) -> list[AgreementRow]:
        """Rows of each other network, and of one with random weights: chance."""
        others = {}
        if len(self.sample):
            others = _others(self.target, self.options.against, self.weights)
        found = {
            label: self._maps(other, self.sample, f"saliency, {label}")
            for label, other in others.items()
        }
        if found and random is not None:
            found["random weights: chance"] = random
        groups = self.groups[self.sample].tolist()
        own = maps.at(self.sample)
        return [
            compare_maps(name, label, own[name], theirs, groups)
            for label, others_maps in found.items()
            for name, theirs in others_maps.at(self.sample).items()
        ]

    def _randomization(self, maps: _Maps, random: _Maps | None) -> list[RandomizationRow]:
        if not len(self.sample) or random is None or not isinstance(self.target, RunTarget):
            return []
        stages = cascade(self.target)
        images, groups = self.loaded.images[self.sample], self.groups[self.sample].tolist()
        own = maps.at(self.sample)
        rows = []
        for layers in stages:
            theirs = random
            if layers != stages[-1]:
                other = randomized_target(self.target, layers, images)
                theirs = self._maps(other, self.sample, f"{len(layers)} random layers")
            rows += [
                compare_randomized(name, layers, len(stages[-1]), own[name], blind, groups)
                for name, blind in theirs.at(self.sample).items()
            ]
        return rows

    def _insertion_deletion(self, maps: _Maps) -> list[InsertionDeletionRow]:
        if not len(self.sample):
            return []
        self.reporter.start("insertion and deletion", len(self.sample))
        return insertion_deletion(
            self.target,
            self.loaded.images[self.sample],
            self.labels[self.sample],
            self.groups[self.sample].tolist(),
            maps.at(self.sample),
            self.reporter.advance,
            self.grids,
        )

    def _examples(self, maps: _Maps) -> list[Example]:
        """Images with a lesion where there are any, else of all classes; drawn by a fixed seed."""
        available = self.lesions.positions if self.lesions else maps.positions
        samples = [self.loaded.samples[position] for position in available]
        drawn = balanced_draw(samples, self.options.examples, _SAMPLE_SEED)
        chosen = available[np.sort(np.array(drawn, np.int64))]
        lesions = {}
        if self.lesions is not None:
            lesions = dict(zip(available.tolist(), self.lesions.masks, strict=True))
        found = maps.at(chosen)
        return [
            Example(
                self.loaded.images[position],
                self.target.classes[self.labels[position]],
                lesions.get(int(position)),
                {name: values[row] for name, values in found.items()},
                self.grids,
                predicted=self.target.classes[self.probabilities[position].argmax()],
                probability=float(self.probabilities[position].max()),
            )
            for row, position in enumerate(chosen)
        ]


@dataclass(frozen=True, eq=False)
class _Maps:
    """Maps of some images by the name of their kind, found again by the images' positions."""

    positions: NDArray[np.int64]
    by_name: dict[str, Maps]

    def at(self, wanted: NDArray[np.int64]) -> dict[str, Maps]:
        rows = np.searchsorted(self.positions, wanted)
        return {name: maps[rows] for name, maps in self.by_name.items()}


def _others(target: Target, against: Target | None, weights: RunTarget | None) -> dict[str, Target]:
    """Whose maps the target's are compared with: its own in float, and another target's."""
    found: dict[str, Target] = {}
    if isinstance(target, RunTarget) and target.network.quantize:
        found["its own, float"] = target.in_float()
    if against is None:
        return found
    both = [against]
    if isinstance(against, RunTarget) and against.network.quantize:
        both.append(against.in_float())
    # A run that a bundle does not come from may be compared, but not taken for its origin.
    foreign = target.kind == "bundle" and against.kind == "run" and against is not weights
    note = " (not what the bundle was exported from)" if foreign else ""
    return found | {f"{other.path.name}: {other.description}{note}": other for other in both}


def _draw(count: int, size: int | None) -> NDArray[np.int64]:
    """Positions of ``size`` of ``count`` images, the same ones every time, in order."""
    if size is None or size >= count:
        return np.arange(count)
    order = np.random.default_rng(_SAMPLE_SEED).permutation(count)
    return np.sort(order[:size])
