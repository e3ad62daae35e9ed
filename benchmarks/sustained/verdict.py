"""Whether a configuration kept its speed, with the temperature, in plain words."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, Literal

import numpy as np

from benchmarks.absent import Absent
from benchmarks.sensors import Reading, Usage
from benchmarks.statistics import MINIMUM_EFFECT
from benchmarks.sustained.windows import Window

__all__ = ["Moment", "Verdict", "judge"]

Kind = Literal["held", "slowed", "faster", "too short"]

_FIRST_SHARE, _LAST_SHARE = 0.1, 0.2
_FEWEST, _LEAST_MOMENTS = 5, 15
_NORMAL_995 = 2.576
_OTHER_WORK = 0.1  # processors


@dataclass(frozen=True)
class Moment:
    """A window, and what the sensors told at its end."""

    window: Window
    reading: Reading
    usage: Usage

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that :meth:`from_json` reads."""
        return {
            "window": self.window.to_json(),
            "reading": self.reading.to_json(),
            "usage": self.usage.to_json(),
        }

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Moment:
        """Build from a JSON object; ``ValueError`` or ``KeyError`` says what is wrong with it."""
        return cls(
            Window.from_json(record["window"]),
            Reading.from_json(record["reading"]),
            Usage.from_json(record["usage"]),
        )


@dataclass(frozen=True)
class Verdict:
    """What a long run says.

    Attributes:
        kind: ``held``, ``slowed``, ``faster``, or ``too short`` to tell.
        change: Inference at the end over that at first, less 1.
        since_seconds: From when on it was so; Absent unless it slowed down or became faster.
        sentences: The verdict, what was read, and what may be the cause.
    """

    kind: Kind
    change: float
    since_seconds: float | Absent
    sentences: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object of a report."""
        since = self.since_seconds
        return {
            "kind": self.kind,
            "change": self.change,
            "since_seconds": {"absent": since.reason} if isinstance(since, Absent) else since,
            "sentences": list(self.sentences),
        }


def judge(before: Reading, moments: Sequence[Moment]) -> Verdict:
    """Compare the end of a run with its beginning.

    The first tenth of the windows and the last fifth are compared by their median inference and
    the rank sum test (Mann and Whitney, Annals of Mathematical Statistics 18, 1947; normal
    approximation, 1 %, two-sided). A change below 3 % is none.

    Args:
        before: The board before anything was loaded.
        moments: In order.
    """
    first, last = _ends(moments)
    early, late = _infer_ms(first), _infer_ms(last)
    change = median(late) / median(early) - 1
    kind = _kind(len(moments), early, late, change)
    since = _since(moments, median(early), change) if kind in ("slowed", "faster") else None
    sentences = [
        _told(kind, median(early), median(late), change, since),
        _heat(before, moments),
        _flags(moments),
        _clock(first, last),
    ]
    if kind == "slowed":
        sentences.append(_cause(first, last))
    return Verdict(kind, change, Absent("no change") if since is None else since, tuple(sentences))


def _ends(moments: Sequence[Moment]) -> tuple[Sequence[Moment], Sequence[Moment]]:
    count = len(moments)
    head = min(count, max(_FEWEST, math.ceil(_FIRST_SHARE * count)))
    tail = min(count, max(_FEWEST, math.ceil(_LAST_SHARE * count)))
    return moments[:head], moments[-tail:]


def _infer_ms(moments: Sequence[Moment]) -> list[float]:
    return [moment.window.stages_ms["infer"] for moment in moments]


def _kind(count: int, early: Sequence[float], late: Sequence[float], change: float) -> Kind:
    if count < _LEAST_MOMENTS:
        return "too short"
    if abs(math.log1p(change)) < math.log1p(MINIMUM_EFFECT) or not _differ(early, late):
        return "held"
    return "slowed" if change > 0 else "faster"


def _differ(early: Sequence[float], late: Sequence[float]) -> bool:
    steps = np.sign(np.subtract.outer(np.array(late), np.array(early)))
    pairs = len(early) * len(late)
    deviation = math.sqrt(pairs * (len(early) + len(late) + 1) / 12)
    # The sum of signs is twice the distance of the statistic U from its mean.
    return bool(abs(steps.sum()) / 2 - 0.5 > _NORMAL_995 * deviation)


def _since(moments: Sequence[Moment], early: float, change: float) -> float:
    """The start of the first window from which on four of five lie beyond half of the change."""
    beyond = np.array([abs(value / early - 1) > abs(change) / 2 and (value > early) == (change > 0)
                       for value in _infer_ms(moments)])  # fmt: skip
    shares = beyond[::-1].cumsum()[::-1] / np.arange(len(beyond), 0, -1)
    index = int(np.argmax(beyond & (shares >= 0.8)))
    window = moments[index].window
    return window.seconds - window.duration


def _told(kind: Kind, early: float, late: float, change: float, since: float | None) -> str:
    figures = f"{early:.2f} ms at first, {late:.2f} ms at the end"
    if kind == "too short":
        return f"Too short to say whether it keeps its speed ({figures}); give more --minutes."
    if kind == "held":
        if abs(math.log1p(change)) >= math.log1p(MINIMUM_EFFECT):
            return f"No evidence of a change in the noise here: {figures} ({change:+.1%})."
        return f"It kept its speed: {figures} ({change:+.1%})."
    moved = "slowed down" if kind == "slowed" else "became faster"
    assert since is not None
    return f"It {moved} by {abs(change):.0%}, from {_time(since)} on: {figures}."


def _heat(before: Reading, moments: Sequence[Moment]) -> str:
    found = _known(moments, lambda reading: reading.temperature_celsius)
    if isinstance(found, Absent):
        return f"Temperature: unknown, {found.reason}."
    start = before.temperature_celsius
    begun = found[0] if isinstance(start, Absent) else start
    return (
        f"Temperature: {begun:.0f} °C before, {found[-1]:.0f} °C at the end, "
        f"{max(found):.0f} °C at most."
    )


def _flags(moments: Sequence[Moment]) -> str:
    found = _known(moments, lambda reading: reading.throttled)
    if isinstance(found, Absent):
        return f"Throttling: unknown, {found.reason}."
    counts: dict[str, int] = {}
    for flags in found:
        for flag in flags:
            counts[flag] = counts.get(flag, 0) + 1
    if not counts:
        return "Throttling: none, and no lack of voltage, says the firmware."
    told = ", ".join(f"{flag} at {number} of {len(found)}" for flag, number in counts.items())
    return f"Throttling: the firmware said {told} readings."


def _clock(first: Sequence[Moment], last: Sequence[Moment]) -> str:
    early = _known(first, lambda reading: reading.frequency_mhz)
    late = _known(last, lambda reading: reading.frequency_mhz)
    if isinstance(early, Absent) or isinstance(late, Absent):
        reason = early if isinstance(early, Absent) else late
        assert isinstance(reason, Absent)
        return f"Clock: unknown, {reason.reason}."
    return f"Clock: {median(early):.0f} MHz at first, {median(late):.0f} MHz at the end."


def _cause(first: Sequence[Moment], last: Sequence[Moment]) -> str:
    """What was read that goes with a slowing down; the firmware's word comes first."""
    flags = _known(last, lambda reading: reading.throttled)
    said = set() if isinstance(flags, Absent) else {flag for words in flags for flag in words}
    if any("voltage" in flag for flag in said):
        return "Cause: too little voltage; use the board's own supply and a short cable."
    if said:
        return "Cause: the board protects itself from heat; add a heat sink or a fan."
    early = _known(first, lambda reading: reading.frequency_mhz)
    late = _known(last, lambda reading: reading.frequency_mhz)
    if not isinstance(early, Absent) and not isinstance(late, Absent):
        share = median(late) / median(early)
        if share < 1 - MINIMUM_EFFECT:
            return f"Cause: the clock fell to {share:.0%}; look at heat, supply and governor."
    before, after = _others(first), _others(last)
    if before is not None and after is not None and after - before > _OTHER_WORK:
        return (
            f"Cause: probably other work, which took {before:.1f} processors at first and "
            f"{after:.1f} at the end; end it and measure again."
        )
    return "Cause: nothing that could be read here explains it."


def _known(moments: Sequence[Moment], read: Callable[[Reading], Any]) -> list[Any] | Absent:
    """What could be read, in order; the first reason if nothing could."""
    found = [read(moment.reading) for moment in moments]
    known = [value for value in found if not isinstance(value, Absent)]
    if known:
        return known
    return next(value for value in found if isinstance(value, Absent))


def _others(moments: Sequence[Moment]) -> float | None:
    found = [moment.usage.other_processors for moment in moments]
    known = [value for value in found if not isinstance(value, Absent)]
    return median(known) if known else None


def _time(seconds: float) -> str:
    return f"minute {seconds / 60:.1f}" if seconds >= 60 else f"second {seconds:.0f}"
