"""The places of a pooling window, for emitters that visit one after the other.

With a distance of s between windows, place (a, b) of all windows together is one of s x s *phases*
of the padded source (a and b modulo s), shifted by a and b divided by s. Taking a phase apart and
putting phases together again is what space to depth and depth to space do.
"""

from __future__ import annotations

from dataclasses import dataclass

from export.operations import MaxPoolGradient
from export.program import Program

__all__ = ["Place", "PoolingWindows"]


@dataclass(frozen=True)
class Place:
    """A row and a column of every window, and how far its phase is shifted."""

    row: int
    column: int
    shift: tuple[int, int]


@dataclass(frozen=True)
class PoolingWindows:
    """Sizes in cells, height first.

    Attributes:
        step: between windows, the same both ways.
        size: of the source.
        pooled: of the result, the number of windows.
        phase: of one phase of the padded source.
        padding: ``(top, bottom, left, right)`` that makes the source a whole number of phases.
        phases: the places of each phase, in the order of depth to space; those of a phase in the
            order in which a window is searched.
    """

    step: int
    size: tuple[int, int]
    pooled: tuple[int, int]
    phase: tuple[int, int]
    padding: tuple[int, int, int, int]
    phases: tuple[tuple[Place, ...], ...]

    @property
    def places(self) -> list[Place]:
        """All places in the order in which a window is searched."""
        found = [place for phase in self.phases for place in phase]
        return sorted(found, key=lambda place: (place.row, place.column))

    @classmethod
    def of(cls, program: Program, operation: MaxPoolGradient) -> PoolingWindows:
        """The windows of one pooling."""
        step = operation.stride[0]
        _, height, width = program.tensors[operation.source].shape
        _, rows, columns = program.tensors[operation.maximum].shape
        top, bottom, left, right = operation.padding
        phase = (-(-(top + height + bottom) // step), -(-(left + width + right) // step))
        phases = tuple(
            tuple(
                Place(row, column, (row // step, column // step))
                for row in range(first_row, operation.kernel[0], step)
                for column in range(first_column, operation.kernel[1], step)
            )
            for first_row in range(step)
            for first_column in range(step)
        )
        padding = (top, phase[0] * step - top - height, left, phase[1] * step - left - width)
        return cls(step, (height, width), (rows, columns), phase, padding, phases)
