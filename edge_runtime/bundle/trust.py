"""The trust card of a bundle's maps: what the export measured of them, and its table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from edge_runtime.quick_dataclass import dataclass
from edge_runtime.record import Record, entry

__all__ = [
    "TRUST_TITLE",
    "LesionPointing",
    "MapAgreement",
    "MapMode",
    "SaliencyTrust",
    "trust_findings",
    "trust_note",
    "trust_table",
]

TRUST_TITLE = "trust card of the maps: median Spearman / median top-10 % overlap"
_NOTE = (
    "One level: each byte of the image moved by one. Random weights: Spearman with the map of a "
    "network that learned nothing, which should be low (arXiv 1810.03292)."
)
_POINTING_NOTE = " Pointing is on images of the training; blind is the best fixed pixel."

_STEADY, _HARDLY_CHANGED = 0.5, 0.5

MapMode = Literal["gradient", "gradient-early", "cam"]
"""The saliency modes that have a map."""


@dataclass(frozen=True)
class MapAgreement(Record):
    """How alike two maps of one image are, as the median over images.

    Attributes:
        spearman: Rank correlation of the raw maps.
        top_overlap: Share of the highest tenth of the cells that both have; chance gives a tenth.
    """

    spearman: Annotated[float, entry(minimum=-1, maximum=1)]
    top_overlap: Annotated[float, entry(minimum=0, maximum=1)]

    def __str__(self) -> str:
        return f"{self.spearman:.2f} / {self.top_overlap:.0%}"


@dataclass(frozen=True)
class LesionPointing(Record):
    """Whether maps of a class lie on its lesions, beside guesses that do not look.

    Attributes:
        lesions: All of them, or those that do not hold the centre pixel.
        label: The class.
        count: Number of lesions.
        pointing: Share of lesions that hold the map's maximum.
        blind_pointing: The same of the best fixed pixel, chosen with the answers known.
        energy: Mean share of the map inside the lesion; None if no map has any.
        blind_energy: The same of a Gaussian in the middle.
    """

    lesions: Literal["all", "off-centre"]
    label: str
    count: int
    pointing: float
    blind_pointing: float
    energy: float | None
    blind_energy: float


@dataclass(frozen=True)
class SaliencyTrust(Record):
    """What is known of one kind of map in one engine, on calibration images.

    Attributes:
        saliency: Which map.
        engine: What ran the INT8 graph.
        images: Number of images.
        with_trained: The device's map and that of the trained, fake-quantised network in torch.
        with_float: The device's map and that of the network with its quantisation off.
        trained_with_float: What the quantisation alone changes.
        after_one_level: The device's map before and after each byte of the image moved by one.
        random_weights: Rank correlation of the device's map with that of the network with random
            weights in all layers (arXiv 1810.03292): high for a map that shows the picture, not
            what was learned.
        pointing: Where training images have lesion masks; empty otherwise. They are images that
            the network learned from.
        signal_floor: The highest concentration (:func:`edge_runtime.evidence.concentration`) among
            the maps of the network with random weights, if nine in ten of the device's maps are
            above it; else None. A map below it says nothing.
    """

    saliency: MapMode
    engine: str
    images: int
    with_trained: MapAgreement
    with_float: MapAgreement
    trained_with_float: MapAgreement
    after_one_level: MapAgreement
    random_weights: float
    pointing: tuple[LesionPointing, ...] = ()
    signal_floor: Annotated[float, entry(minimum=0, maximum=1)] | None = None


def trust_findings(rows: Sequence[SaliencyTrust]) -> list[str]:
    """Return what stands out, a sentence each; one engine speaks for all that run a map."""
    found = []
    for row in {row.saliency: row for row in rows}.values():
        steady = row.after_one_level.spearman
        if steady < _STEADY:
            found.append(
                f"The {row.saliency} map changes much (Spearman {steady:.2f}) "
                "when each byte of the image moves by one level, which nobody sees: read regions "
                "of the smoothed map, not single pixels."
            )
        if row.random_weights > _HARDLY_CHANGED:
            found.append(
                f"The {row.saliency} map keeps much of its order (Spearman "
                f"{row.random_weights:.2f}) when all weights are random: it shows the picture more "
                "than what was learned."
            )
    return found


def trust_note(rows: Sequence[SaliencyTrust]) -> str:
    """Return what the columns of their table mean."""
    return _NOTE + (_POINTING_NOTE if any(row.pointing for row in rows) else "")


def trust_table(
    rows: Sequence[SaliencyTrust],
) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Return the columns and the lines of a table; pairs are Spearman / top-10 % overlap."""
    columns = [
        "map", "engine", "images", "device, trained", "device, float", "trained, float",
        "one level", "random weights",
    ]  # fmt: skip
    kinds = list(dict.fromkeys(found.lesions for row in rows for found in row.pointing))
    columns += [f"pointing, {kind} (blind)" for kind in kinds]
    lines = []
    for row in rows:
        by_kind = {found.lesions: found for found in row.pointing}
        lines.append(
            (
                row.saliency,
                row.engine,
                str(row.images),
                str(row.with_trained),
                str(row.with_float),
                str(row.trained_with_float),
                str(row.after_one_level),
                f"{row.random_weights:.2f}",
                *(_pointing(by_kind.get(kind)) for kind in kinds),
            )
        )
    return tuple(columns), lines


def _pointing(found: LesionPointing | None) -> str:
    if found is None:
        return "-"
    return f"{found.pointing:.0%} ({found.blind_pointing:.0%}) of {found.count}"
