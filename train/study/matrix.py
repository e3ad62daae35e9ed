"""The rows of the study: what is compared with what, and in which order it is worth having.

A row changes some entries of the study's recipe and nothing else. All rows of a fold branch from
one float network and train for equally many epochs behind it; the float baseline does so in folded
float. Post-training rows quantise that baseline, so that they have seen as many epochs, too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from edge_runtime.errors import UsageError

__all__ = ["BASELINE", "MATRIX", "PRESETS", "Preset", "Ranges", "Row", "choose_rows", "in_order"]

Method = Literal["trained", "post-training"]
Ranges = Literal["mse", "percentile"]
_RANGES: tuple[Ranges, ...] = ("mse", "percentile")
BASELINE = "float"
_WIDTHS = ((8, 8), (4, 4), (4, 8), (2, 8), (2, 4), (2, 2))
_MASKED_PERCENT = (0, 30, 50, 70)
_FIRST, _MASKING, _NARROW = 1, 2, 3


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        name: in file names and on the command line.
        title: for people.
        stage: 1 to 3; the rows of a stage are worth having before those of the next.
        method: ``trained`` in the second phase, or ``post-training`` from the trained baseline.
        weight_bits: width of the weights; 32 in float.
        activation_bits: width of the activations; 32 in float.
        tables: entries of the recipe that this row sets.
        ranges: how a post-training row finds its ranges, see ``post_training``.
        effort: seconds of an epoch as a multiple of an unfolded float epoch; measured, for the
            estimate of the time left alone.
    """

    name: str
    title: str
    stage: int
    method: Method = "trained"
    weight_bits: int = 32
    activation_bits: int = 32
    tables: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    ranges: Ranges = "mse"
    effort: float = 0.0

    @property
    def is_float(self) -> bool:
        """Whether nothing is quantised."""
        return self.weight_bits == 32

    @property
    def width(self) -> str:
        """``float``, or the widths as ``W4A8``."""
        return "float" if self.is_float else f"W{self.weight_bits}A{self.activation_bits}"


@dataclass(frozen=True)
class Preset:
    """Rows that are wanted together.

    Attributes:
        rows: their names.
        help: what they answer.
        optimizer: entries of the recipe that a new study of this preset begins with.
        folds: number of folds of a new study.
    """

    rows: tuple[str, ...]
    help: str
    optimizer: Mapping[str, Any] = field(default_factory=dict)
    folds: int = 5


def _float(name: str, title: str, *, guided: bool) -> Row:
    tables = {"quantization": {"enabled": False}, "guidance": {"enabled": guided}}
    return Row(name, title, _FIRST, tables=tables, effort=2.0 if guided else 0.6)


def _trained(
    weight_bits: int,
    activation_bits: int,
    stage: int,
    *,
    k_percent: int | None = None,
    guided: bool,
) -> Row:
    quantization = {
        "enabled": True,
        "weight_bits": weight_bits,
        "activation_bits": activation_bits,
    }
    guidance: dict[str, Any] = {"enabled": guided}
    name, title = ("pact_sgt_", "PACT + SGT") if guided else ("pact_", "PACT")
    name += _suffix(weight_bits, activation_bits)
    if k_percent is not None:
        guidance |= {"threshold": "share", "k": k_percent / 100}
        name, title = f"{name}_k{k_percent:02d}", f"{title}, k = {k_percent} %"
    return Row(
        name,
        title,
        stage,
        weight_bits=weight_bits,
        activation_bits=activation_bits,
        tables={"quantization": quantization, "guidance": guidance},
        effort=2.7 if guided else 1.1,
    )


def _post_training(weight_bits: int, activation_bits: int, stage: int, ranges: Ranges) -> Row:
    suffix = "" if ranges == "mse" else f"_{ranges}"
    return Row(
        f"ptq_{_suffix(weight_bits, activation_bits)}{suffix}",
        f"post-training, {ranges} ranges",
        stage,
        method="post-training",
        weight_bits=weight_bits,
        activation_bits=activation_bits,
        ranges=ranges,
    )


def _suffix(weight_bits: int, activation_bits: int) -> str:
    return f"w{weight_bits}a{activation_bits}"


def _matrix() -> tuple[Row, ...]:
    first = [
        _float(BASELINE, "float", guided=False),
        *(_post_training(8, 8, _FIRST, ranges) for ranges in _RANGES),
        *(_post_training(4, 4, _FIRST, ranges) for ranges in _RANGES),
        _trained(8, 8, _FIRST, guided=False),
        _trained(8, 8, _FIRST, guided=True),
        _trained(4, 4, _FIRST, guided=True),
        _trained(4, 4, _FIRST, guided=False),
        _float("sgt", "SGT", guided=True),
    ]
    masking = [_trained(8, 8, _MASKING, k_percent=k, guided=True) for k in _MASKED_PERCENT]
    narrow: list[Row] = []
    for weight_bits, activation_bits in _WIDTHS[2:]:
        widths = (weight_bits, activation_bits, _NARROW)
        narrow += [_post_training(*widths, ranges) for ranges in _RANGES]
        narrow.append(_trained(*widths, guided=True))
    narrow += [_trained(*widths, _NARROW, guided=False) for widths in _WIDTHS[2:]]
    return (*first, *masking, *narrow)


MATRIX: dict[str, Row] = {row.name: row for row in _matrix()}
PRESETS: dict[str, Preset] = {
    "full": Preset(tuple(MATRIX), "every row"),
    "paper": Preset(
        tuple(
            name
            for name, row in MATRIX.items()
            if row.method == "trained" and (row.is_float or row.width == "W8A8")
        ),
        "float, PACT, SGT, both, and the masked share k, at 8 bit",
    ),
    "quick": Preset(
        (BASELINE, "ptq_w8a8", "ptq_w4a4", "pact_w8a8", "pact_sgt_w8a8"),
        "five rows of one epoch in two folds, to see that it runs",
        optimizer={"epochs_float": 1, "epochs": 1},
        folds=2,
    ),
}


def choose_rows(names: str | None, preset: str) -> tuple[Row, ...]:
    """Rows by their comma-separated names, or those of a preset, in the order of the matrix.

    Raises:
        UsageError: there is no such row.
    """
    wanted = [name.strip() for name in names.split(",")] if names else PRESETS[preset].rows
    unknown = [name for name in wanted if name not in MATRIX]
    if unknown:
        raise UsageError(f"there is no row {unknown[0]!r}; choose from {', '.join(MATRIX)}.")
    return tuple(row for name, row in MATRIX.items() if name in wanted)


def in_order(rows: Sequence[Row], folds: int) -> list[tuple[Row, int]]:
    """Every row in every fold: stage by stage, and within a stage fold by fold.

    What is there after some hours can then be compared, row with row on the same images.
    """
    stages = sorted({row.stage for row in rows})
    return [
        (row, fold)
        for stage in stages
        for fold in range(folds)
        for row in rows
        if row.stage == stage
    ]
