"""The findings of a check as records, for people (text) and for programs (JSON)."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from train.data.split import PARTS

__all__ = ["DatasetReport", "DuplicateFindings", "DuplicatePair", "OverlayFinding"]

SCHEMA = "1.1"
_IMBALANCED = 1.5
# Share of dark images above which that is the files' way to hold values and not the scene.
_MANY_DARK = 0.1
_FEW_GROUPS = 20
_LISTED_PAIRS = 5
_LISTED_OVERLAYS = 12


@dataclass(frozen=True)
class DuplicatePair:
    """Two near-duplicates.

    Attributes:
        files: their keys in the listing.
        labels: their classes.
        parts: their parts of the split.
        same_group: whether they share a group.
    """

    files: tuple[str, str]
    labels: tuple[str, str]
    parts: tuple[str, str]
    same_group: bool

    @property
    def has_two_labels(self) -> bool:
        """Whether the images are of two classes."""
        return self.labels[0] != self.labels[1]

    @property
    def is_torn(self) -> bool:
        """Whether the images are in two parts."""
        return self.parts[0] != self.parts[1]


@dataclass(frozen=True)
class DuplicateFindings:
    """Near-duplicates of a data set.

    Attributes:
        threshold: bits of 128 in which the hashes of a pair may differ.
        pairs: how many pairs there are.
        images: how many images are in them.
        across_parts: pairs in two parts of the split.
        across_classes: pairs of two classes.
        across_groups: pairs of two groups.
        listed: pairs across parts or classes first, at most 1000.
    """

    threshold: int
    pairs: int
    images: int
    across_parts: int
    across_classes: int
    across_groups: int
    listed: tuple[DuplicatePair, ...]


@dataclass(frozen=True)
class OverlayFinding:
    """A connected region that tells a class by its constant colour.

    Attributes:
        label: the class.
        box: left, top, right, bottom of the region, in fractions of the frame.
        area: the region's share of the frame.
        shares: class to the share of its images that have the colours there.
    """

    label: str
    box: tuple[float, float, float, float]
    area: float
    shares: Mapping[str, float]


@dataclass(frozen=True)
class DatasetReport:
    """All findings.

    Attributes:
        source: what was checked.
        images: how many are listed.
        table: class to part to number of images.
        group_table: class to part to number of groups.
        groups: how many groups, or None where the source names none.
        own_split: whether the source says which part an image belongs to.
        masks: images with a lesion mask.
        sizes: width, height and number of images, the most frequent first.
        border: share of the frame that is black in nine of ten images.
        duplicates: near-duplicates.
        overlays: regions that tell a class, the largest first.
        unreadable: sentences about images that cannot be read.
        left_out: suffix to number of the files in the class folders that are no images by their
            names, and ``folders``, which are not looked into.
        dark: images without a pixel above a quarter of full brightness.
    """

    source: str
    images: int
    table: Mapping[str, Mapping[str, int]]
    group_table: Mapping[str, Mapping[str, int]]
    groups: int | None
    own_split: bool
    masks: int
    sizes: tuple[tuple[int, int, int], ...]
    border: float
    duplicates: DuplicateFindings
    overlays: tuple[OverlayFinding, ...]
    unreadable: tuple[str, ...]
    left_out: Mapping[str, int] = dataclasses.field(default_factory=dict)
    dark: int = 0

    def to_json(self) -> dict[str, Any]:
        """All findings as one JSON object.

        Also ``schema`` (version of the object) and ``advice`` (sentences on what to do).
        """
        return {"schema": SCHEMA, **dataclasses.asdict(self), "advice": list(self.advice())}

    def text(self, *, with_advice: bool = True) -> str:
        """The report for people."""
        sections = [
            self._count_lines(),
            self._duplicate_lines(),
            self._overlay_lines(),
            [f"unreadable: {sentence}" for sentence in self.unreadable],
            [f"left out: {self._left_out()}"] if self.left_out else [],
            [f"advice: {sentence}" for sentence in (self.advice() if with_advice else ())],
        ]
        return "\n".join(line for section in sections for line in section)

    def advice(self) -> tuple[str, ...]:
        """What to do about the findings, a sentence each."""
        found = self.duplicates
        sentences = []
        totals = {label: sum(parts.values()) for label, parts in self.table.items()}
        most, least = max(totals, key=totals.__getitem__), min(totals, key=totals.__getitem__)
        if totals[most] > _IMBALANCED * totals[least]:
            sentences.append(
                f"{most} has {totals[most] / totals[least]:.1f} times the images of {least}; train "
                "with --balance sampling (the default) or weights, and judge by macro sensitivity, "
                "not by accuracy."
            )
        few = [f"{c} {p['test']}" for c, p in self.group_table.items() if p["test"] < _FEW_GROUPS]
        if few:
            what = "images" if self.groups is None else "groups"
            sentences.append(
                f"the test part holds few {what} of some classes ({', '.join(few)}): their figures "
                "have wide intervals; take a cross-validation (saliedge study), or get more."
            )
        if found.across_parts:
            remedy = (
                "take them out of one part"
                if self.own_split
                else "train with --group-duplicates, which keeps them together"
            )
            sentences.append(
                f"{_pairs(found.across_parts, 'lies', 'lie')} in two parts, so that the test part "
                f"measures memory; {remedy}."
            )
        if found.across_classes:
            sentences.append(
                f"{_pairs(found.across_classes, 'has', 'have')} two labels; look at them, one "
                "label may be wrong."
            )
        if self.overlays:
            sentences.append(
                "a network can tell classes by their overlays; cut them off (--roi), blacken them "
                "in all images, or look where the saliency falls (evaluate --region)."
            )
        if self.dark > _MANY_DARK * self.images:
            sentences.append(
                f"{self.dark} of {self.images} images have no pixel above a quarter of full "
                "brightness, as 12-bit values in 16-bit files have none: 16 bits are read as 0 to "
                "65535, so multiply the values before, for training and for the device alike."
            )
        if self.left_out:
            sentences.append(
                "what is left out is not trained on; convert images of other kinds (PNG and TIFF "
                "lose nothing), and list images in sub-folders in a labels.csv."
            )
        if self.border > 0.1:
            sentences.append(
                f"{self.border:.0%} of the frame is black in nearly all images; train with --roi "
                "auto to give the network more pixels of the rest."
            )
        return tuple(sentences)

    def _count_lines(self) -> list[str]:
        width = max(len("class"), *(len(label) for label in self.table))
        lines = [f"{'class':{width}}  {'train':>6} {'val':>6} {'test':>6} {'all':>6}"]
        for label, counts in self.table.items():
            numbers = [counts[part] for part in PARTS]
            row = " ".join(f"{number:6d}" for number in [*numbers, sum(numbers)])
            lines.append(f"{label:{width}}  {row}")
        groups = "no groups, each image is its own" if self.groups is None else f"{self.groups}"
        sizes = ", ".join(f"{width}x{height} ({count})" for width, height, count in self.sizes[:3])
        more = f" and {len(self.sizes) - 3} others" if len(self.sizes) > 3 else ""
        return [
            *lines,
            f"images {self.images}, groups: {groups}, with a mask: {self.masks}",
            f"sizes {sizes}{more}; black in nearly all images: {self.border:.0%} of the frame",
        ]

    def _left_out(self) -> str:
        kinds = ", ".join(f"{kind} {count}" for kind, count in self.left_out.items())
        return f"{sum(self.left_out.values())} entries of the class folders ({kinds})"

    def _duplicate_lines(self) -> list[str]:
        found = self.duplicates
        if not found.pairs:
            return ["near-duplicates: none"]
        split = "the data's own split" if self.own_split else "the split that train draws"
        lines = [
            f"near-duplicates: {found.pairs} pairs of {found.images} images (at most "
            f"{found.threshold} of 128 bits differ), {found.across_parts} in two parts of {split}, "
            f"{found.across_classes} of two classes"
            + ("" if self.groups is None else f", {found.across_groups} of two groups")
        ]
        # A wrong label stays wrong however the images are split.
        telling = sorted(
            (pair for pair in found.listed if pair.has_two_labels or pair.is_torn),
            key=lambda pair: not pair.has_two_labels,
        )
        for pair in telling[:_LISTED_PAIRS]:
            one, other = (
                f"{file} ({label}, {part})"
                for file, label, part in zip(pair.files, pair.labels, pair.parts, strict=True)
            )
            lines.append(f"  {one} and {other}")
        if len(telling) > _LISTED_PAIRS:
            lines.append(
                f"  and {len(telling) - _LISTED_PAIRS} more; all are in what --json prints"
            )
        return lines

    def _overlay_lines(self) -> list[str]:
        if not self.overlays:
            return ["shared overlays: none"]
        lines = ["shared overlays, of nearly one colour in images of a class (share of images):"]
        for overlay in self.overlays[:_LISTED_OVERLAYS]:
            left, top, right, bottom = (round(100 * side) for side in overlay.box)
            shares = ", ".join(f"{label} {share:.0%}" for label, share in overlay.shares.items())
            lines.append(
                f"  {overlay.label}: columns {left} to {right} %, rows {top} to {bottom} %, "
                f"{overlay.area:.1%} of the frame ({shares})"
            )
        if len(self.overlays) > _LISTED_OVERLAYS:
            lines.append(f"  and {len(self.overlays) - _LISTED_OVERLAYS} smaller ones")
        return lines


def _pairs(count: int, verb: str, verb_of_many: str) -> str:
    """Pairs as the subject of a sentence."""
    if count == 1:
        return f"1 pair of near-duplicates {verb}"
    return f"{count} pairs of near-duplicates {verb_of_many}"
