"""The trust card: what is to be known of the maps before anybody relies on them.

Of every map in every engine, on calibration images:

1. Agreement of the device's map with the trained, fake-quantised network's and with the float
   network's, and of these two with each other.
2. The model-randomisation check (Adebayo et al., arXiv 1810.03292): the map of a network whose
   weights are random must be another.
3. Sensitivity: each byte of the image goes up or down by one level, which nobody can see, and the
   map should be much the same.
4. The pointing game where images have lesion masks, beside blind guesses. Masks are read here to
   measure, as in ``saliedge evaluate``, and never by training.

1 to 3 have gates. 4 has none: the images are those of the training.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from edge_runtime.bundle.trust import LesionPointing, MapAgreement, MapMode, SaliencyTrust
from edge_runtime.engines import ENGINES
from edge_runtime.evidence import concentration
from edge_runtime.metrics import rank_correlation, top_overlap
from export.candidate import Candidate
from export.checks.gates import GateReport, JudgedMaps
from export.checks.parity import run_graph
from train.batches import to_tensor
from train.evaluation.lesions import Lesions
from train.evaluation.localization import LocalizationRow, localize
from train.prediction import predict_float_saliency, predict_saliency
from train.quantization import QuantizedNetwork
from train.quantization.reinitialize import reinitialized

__all__ = ["measure_trust", "moved_by_one_level"]

Maps = NDArray[np.float32]
_BATCH = 16
_SEED = 0
# Of the network with random weights, whose maps are made for this alone.
_RANDOM_IMAGES = 16
_NAME = "map"
# Share of the device's maps that must be told from those of random weights.
_ABOVE_FLOOR = 0.9
_KINDS: tuple[Literal["all", "off-centre"], ...] = ("all", "off-centre")


def measure_trust(
    candidate: Candidate,
    report: GateReport,
    images: NDArray[np.uint8],
    lesions: Lesions | None,
    classes: Sequence[str],
    advance: Callable[[int, str], None] = lambda done, detail: None,
) -> tuple[SaliencyTrust, ...]:
    """Measure the card and add its gates to the report.

    Args:
        candidate: the graphs.
        report: of :func:`export.checks.gates.judge`, whose maps are used again.
        images: the calibration images, uint8 ``[N, H, W, 3]``, as they were judged.
        lesions: those of them, or None where no image has a mask.
        classes: names by index.
        advance: told how many kinds of map are done, and which comes next.
    """
    if not report.maps:
        return ()
    random = _random_network(candidate.network, images)
    rows: list[SaliencyTrust] = []
    for done, (mode, judged) in enumerate(report.maps.items()):
        advance(done, f"{mode} maps")
        found = _of_mode(candidate, mode, judged, random)
        if lesions is not None:
            index = classes.index(lesions.label)
            found = [_with_pointing(candidate, row, images, lesions, index) for row in found]
        rows += found
    advance(len(report.maps), "")
    for row in rows:
        _add_gates(report, row)
    return tuple(rows)


def _random_network(network: QuantizedNetwork, images: NDArray[np.uint8]) -> QuantizedNetwork:
    names = [node.name for node in network.graph.nodes if node.has_weights]
    return reinitialized(network, names, to_tensor(images[:_RANDOM_IMAGES]), _SEED)


def _of_mode(
    candidate: Candidate, mode: MapMode, judged: JudgedMaps, random: QuantizedNetwork
) -> list[SaliencyTrust]:
    images, explained = judged.images, judged.explained
    exact = predict_float_saliency(candidate.network, images, explained, _BATCH, mode)
    few = slice(_RANDOM_IMAGES)
    drawn = predict_saliency(random, images[few], explained[few], _BATCH, mode)
    changed = moved_by_one_level(images)
    rows = []
    for engine, found in judged.by_engine.items():
        graph = candidate.graph(ENGINES[engine].format, mode)
        after = run_graph(engine, graph, changed, explained.astype(np.int32)).saliency
        assert after is not None
        rows.append(
            SaliencyTrust(
                saliency=mode,
                engine=engine,
                images=len(images),
                with_trained=_agreement(found, judged.trained),
                with_float=_agreement(found, exact),
                trained_with_float=_agreement(judged.trained, exact),
                after_one_level=_agreement(found, after),
                random_weights=_agreement(found[few], drawn).spearman,
                signal_floor=_signal_floor(found, drawn),
            )
        )
    return rows


def moved_by_one_level(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Each byte up or down by one, by a fixed draw; 0 and 255 stay where they would leave."""
    steps = np.random.default_rng(_SEED).integers(0, 2, images.shape, np.int16) * 2 - 1
    return np.asarray(np.clip(images + steps, 0, 255), np.uint8)


def _agreement(maps: Maps, others: Maps) -> MapAgreement:
    pairs = list(zip(maps, others, strict=True))
    return MapAgreement(
        _median(rank_correlation(one, other) for one, other in pairs),
        _median(top_overlap(one, other) for one, other in pairs),
    )


def _signal_floor(maps: Maps, random_maps: Maps) -> float | None:
    """What no map of random weights exceeds, where nearly all of the device's maps do."""
    floor = max(concentration(one) for one in random_maps)
    above = np.mean([concentration(one) > floor for one in maps])
    return floor if above >= _ABOVE_FLOOR else None


def _median(values: Iterable[float]) -> float:
    # Rounding in a mean may leave the range by the last bit.
    return float(np.clip(np.median(list(values)), -1, 1))


def _with_pointing(
    candidate: Candidate,
    row: SaliencyTrust,
    images: NDArray[np.uint8],
    lesions: Lesions,
    class_index: int,
) -> SaliencyTrust:
    """The row with where maps of the lesions' own class point."""
    graph = candidate.graph(ENGINES[row.engine].format, row.saliency)
    wanted = np.full(len(lesions.positions), class_index, np.int32)
    maps = run_graph(row.engine, graph, images[lesions.positions], wanted).saliency
    assert maps is not None
    grid = graph.spec.map_grid
    places = {_NAME: grid} if grid is not None else {}
    groups = [str(position) for position in lesions.positions]
    figures = localize(lesions, groups, {_NAME: maps}, (), places)
    return replace(row, pointing=tuple(_pointing(figures, lesions.label)))


def _pointing(figures: Sequence[LocalizationRow], label: str) -> list[LesionPointing]:
    """A record of all lesions, and one of those off the centre if there are any."""
    found = []
    for kind in _KINDS:
        rows = {row.map: row for row in figures if row.lesions == kind}
        if not rows:
            continue
        own, gaussian = rows[_NAME], rows["blind: Gaussian"]
        fixed = next(row for name, row in rows.items() if "best fixed pixel" in name)
        assert own.pointing and own.energy and fixed.pointing and gaussian.energy
        energy = own.energy.value
        found.append(
            LesionPointing(
                lesions=kind,
                label=label,
                count=own.count,
                pointing=own.pointing.value,
                blind_pointing=fixed.pointing.value,
                energy=None if np.isnan(energy) else energy,
                blind_energy=gaussian.energy.value,
            )
        )
    return found


def _add_gates(report: GateReport, row: SaliencyTrust) -> None:
    limits, name = report.thresholds, f"{row.engine} {row.saliency}"
    report.add(
        f"{name}: top-10% overlap with torch",
        row.with_trained.top_overlap,
        ">=",
        limits.top_overlap,
    )
    report.add(
        f"{name}: Spearman after a change of one level",
        row.after_one_level.spearman,
        ">=",
        limits.one_level_spearman,
    )
    report.add(
        f"{name}: Spearman with random weights",
        row.random_weights,
        "<=",
        limits.random_weights_spearman,
    )
