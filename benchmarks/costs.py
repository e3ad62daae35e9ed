"""What a configuration costs beside its latency: start, processor time, shared memory, drawing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.absent import Absent, of_all, or_absent, to_json

__all__ = ["CostSummary", "Costs", "time_presentation"]

_OLDER = Absent("the version of bench that wrote this did not measure it")
_NO_MAP = Absent("without a map there is nothing to draw")
_PRESENTED = 20


@dataclass(frozen=True)
class Costs:
    """What one process costs.

    Attributes:
        start_ns: From its start until everything but the engine was imported.
        processor_ns: Time that its threads computed during the timed frames.
        pss_after_load: Memory with engine and graph loaded, shared pages divided among their users.
        rss_steady: Resident memory after the timed frames.
        pss_steady: The same with shared pages divided among their users.
        presentation_ns: Bringing a map onto its frame and drawing it, of some frames after the
            timed ones.
    """

    start_ns: int | Absent = _OLDER
    processor_ns: int | Absent = _OLDER
    pss_after_load: int | Absent = _OLDER
    rss_steady: int | Absent = _OLDER
    pss_steady: int | Absent = _OLDER
    presentation_ns: tuple[int, ...] | Absent = _OLDER

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that :meth:`from_json` reads."""
        record = {name: to_json(value) for name, value in vars(self).items()}
        if not isinstance(self.presentation_ns, Absent):
            record["presentation_ns"] = list(self.presentation_ns)
        return record

    @classmethod
    def from_json(cls, record: dict[str, Any] | None) -> Costs:
        """Build from a JSON object, or from None of an older report."""
        if record is None:
            return cls()
        numbers = {
            name: or_absent(record[name], int)
            for name in cls.__dataclass_fields__
            if name != "presentation_ns"
        }
        presentation = or_absent(record["presentation_ns"], lambda found: tuple(map(int, found)))
        return cls(**numbers, presentation_ns=presentation)


@dataclass(frozen=True)
class CostSummary:
    """The medians over the processes of a configuration.

    Attributes:
        cold_start_ms: From starting the process to the result of its first inference.
        processors: Processors kept busy during the timed frames, 1.0 for one.
        presentation_ms: Drawing a map on its frame.
        pss_after_load_bytes: See :class:`Costs`.
        rss_steady_bytes: See :class:`Costs`.
        pss_steady_bytes: See :class:`Costs`.
    """

    cold_start_ms: float | Absent
    processors: float | Absent
    presentation_ms: float | Absent
    pss_after_load_bytes: int | Absent
    rss_steady_bytes: int | Absent
    pss_steady_bytes: int | Absent

    @classmethod
    def of(
        cls, costs: Sequence[Costs], loaded_ns: Sequence[int], timed_ns: Sequence[int]
    ) -> CostSummary:
        """Summarise processes.

        Args:
            costs: Of each process.
            loaded_ns: Loading and the first inference of each.
            timed_ns: All timed frames of each.
        """
        starts: list[int | Absent] = [
            found.start_ns if isinstance(found.start_ns, Absent) else found.start_ns + loaded
            for found, loaded in zip(costs, loaded_ns, strict=True)
        ]
        busy: list[float | Absent] = [
            found.processor_ns
            if isinstance(found.processor_ns, Absent)
            else found.processor_ns / timed
            for found, timed in zip(costs, timed_ns, strict=True)
        ]
        drawn: list[float | Absent] = [
            found.presentation_ns
            if isinstance(found.presentation_ns, Absent)
            else float(median(found.presentation_ns))
            for found in costs
        ]
        return cls(
            cold_start_ms=_milliseconds(of_all(median, starts)),
            processors=of_all(median, busy),
            presentation_ms=_milliseconds(of_all(median, drawn)),
            pss_after_load_bytes=_whole(of_all(median, [found.pss_after_load for found in costs])),
            rss_steady_bytes=_whole(of_all(median, [found.rss_steady for found in costs])),
            pss_steady_bytes=_whole(of_all(median, [found.pss_steady for found in costs])),
        )

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object of the report."""
        return {name: to_json(value) for name, value in vars(self).items()}


def time_presentation(
    draw: Callable[[NDArray[np.uint8]], object] | None,
    frames: NDArray[np.uint8],
    clock: Callable[[], int],
) -> tuple[int, ...] | Absent:
    """Time the drawing of maps.

    Args:
        draw: Draws a map on a frame uint8 ``[H, W, 3]``; None if the graph gives no map.
        frames: uint8 ``[N, H, W, 3]``, in turn.
        clock: Nanoseconds.
    """
    if draw is None:
        return _NO_MAP
    taken = []
    for index in range(_PRESENTED):
        start = clock()
        draw(frames[index % len(frames)])
        taken.append(clock() - start)
    return tuple(taken)


def _milliseconds(nanoseconds: float | Absent) -> float | Absent:
    return nanoseconds if isinstance(nanoseconds, Absent) else nanoseconds / 1e6


def _whole(value: float | Absent) -> int | Absent:
    return value if isinstance(value, Absent) else int(value)
