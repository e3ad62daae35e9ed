"""Where the time of a training step goes: by part of the step, and by kind of operator."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch.profiler import ProfilerActivity, profile

from train.step_parts import Part

__all__ = ["KINDS", "PARTS", "Breakdown", "break_down", "middle"]

_PREFIX = "saliedge: "
_THROUGH = "backward through the "
_REST = "rest"
PARTS = (
    *(part for part in Part if part != Part.UPDATE),
    *(_THROUGH + part for part in (Part.CLEAN_PASS, Part.SALIENCY, Part.MASKED_PASS)),
    Part.UPDATE,
    _REST,
)
"""In their order; ``backward through the saliency`` is the double backward pass of the L1 term."""

_PATTERNS = {
    "convolutions": "conv|addmm|mkldnn_linear",
    "batch norm": "batch_norm",
    "sorting": "sort",
    "padding and copies": "pad|copy|clone|contiguous|fill|zero|empty|resize",
    "element-wise and sums": "^aten::",
}
_OTHER = "optimiser, Python functions, autograd"
KINDS = (*_PATTERNS, _OTHER)
"""In their order: an operator is of the first kind that its name fits."""

_NODE = "autograd::engine::evaluate_function"


@dataclass(frozen=True)
class Breakdown:
    """Shares of a step's time, each 0 to 1 with the sum 1; what a step lacks is left out.

    Attributes:
        parts: by :data:`PARTS`.
        kinds: by :data:`KINDS`.
    """

    parts: dict[str, float]
    kinds: dict[str, float]


def break_down(step: Callable[[], None]) -> Breakdown:
    """Run a step once under torch's profiler.

    A node of the backward pass belongs to the part that made it, which its sequence number tells.
    The Python between two operators is not seen.
    """
    with profile(activities=[ProfilerActivity.CPU]) as profiler:
        step()
    events = list(profiler.events())
    tops = [_top(event) for event in events]
    made_by = _made_by(events, tops)
    parts: dict[str, float] = defaultdict(float)
    kinds: dict[str, float] = defaultdict(float)
    for event, top in zip(events, tops, strict=True):
        parts[_part(top, made_by)] += event.self_cpu_time_total
        kinds[_kind(event.name)] += event.self_cpu_time_total
    return Breakdown(_shares(parts, PARTS), _shares(kinds, KINDS))


def middle(breakdowns: Sequence[Breakdown]) -> Breakdown:
    """The median of each share, scaled to the sum 1: one interrupted operator does not count."""
    return Breakdown(
        _medians([found.parts for found in breakdowns], PARTS),
        _medians([found.kinds for found in breakdowns], KINDS),
    )


def _top(event: Any) -> Any:
    while event.cpu_parent is not None:
        event = event.cpu_parent
    return event


def _made_by(events: Sequence[Any], tops: Sequence[Any]) -> dict[str, range]:
    """The sequence numbers of the nodes that each part makes.

    An operator carries the number that the next node will get, whether it makes one or not.
    """
    numbers: dict[str, set[int]] = defaultdict(set)
    for event, top in zip(events, tops, strict=True):
        # A node that is evaluated carries the number that it was made with, in an earlier part.
        is_node = event.scope == 1 or event.name.startswith(_NODE)
        if top.name.startswith(_PREFIX) and event.sequence_nr >= 0 and not is_node:
            numbers[top.name.removeprefix(_PREFIX)].add(event.sequence_nr)
    return {name: range(min(found), max(found)) for name, found in numbers.items()}


def _part(top: Any, made_by: Mapping[str, range]) -> str:
    name = str(top.name)
    if name.startswith(_PREFIX):
        return name.removeprefix(_PREFIX)
    if name.startswith(_NODE):
        for part, numbers in made_by.items():
            if top.sequence_nr in numbers:
                return _THROUGH + part
    return _REST


def _kind(name: str) -> str:
    return next((kind for kind, fits in _PATTERNS.items() if re.search(fits, name)), _OTHER)


def _shares(times: dict[str, float], order: Sequence[str]) -> dict[str, float]:
    total = sum(times.values())
    return {name: times[name] / total for name in order if name in times}


def _medians(shares: Sequence[dict[str, float]], order: Sequence[str]) -> dict[str, float]:
    found = {
        name: float(np.median([one.get(name, 0.0) for one in shares]))
        for name in order
        if any(name in one for one in shares)
    }
    return _shares(found, order)
