"""What was measured of all contestants, as JSON and as Markdown."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from benchmarks.absent import Absent, to_json
from benchmarks.peers.contestants import CONTESTANTS, Contestant
from benchmarks.peers.pairs import Timing
from benchmarks.statistics import MedianInterval, median_interval, paired_ratios

__all__ = ["NetworkResult", "PeersReport", "ratio_to_ours"]

SCHEMA = "1.0"
_PERCENTILES = {"p50": 50.0, "p10": 10.0}
_TASKS = {
    "network": "From the network's bytes to the top class",
    "loop": "From a frame to the top class",
}


def ratio_to_ours(
    contestant: Contestant, timings: dict[str, Timing], percentile: float
) -> MedianInterval:
    """Our latency over a contestant's: the median of the rounds' ratios, and its interval."""
    ours, theirs = timings[contestant.against], timings[contestant.name]
    return median_interval(
        paired_ratios(ours.milliseconds(percentile), theirs.milliseconds(percentile))
    )


@dataclass
class NetworkResult:
    """One network at one size.

    Attributes:
        name: Of the bundle.
        backbone: Of the run.
        sha256: Its identity.
        size: Height and width of its input.
        ranges: Where its ranges come from.
        images: How many held-out images the accuracy is of.
        calibration: How many images the peers were calibrated with.
        files: Contestant to bytes of its file.
        absent: Contestant to the reason why it did not take part.
        right: Contestant to how many images it classified right.
        timings: Threads to contestant to latencies.
        instructions: Processor to contestant to instructions.
    """

    name: str
    backbone: str
    sha256: str
    size: tuple[int, int]
    ranges: str
    images: int
    calibration: int
    files: dict[str, int] = field(default_factory=dict)
    absent: dict[str, Absent] = field(default_factory=dict)
    right: dict[str, int] = field(default_factory=dict)
    timings: dict[int, dict[str, Timing]] = field(default_factory=dict)
    instructions: dict[str, dict[str, int]] = field(default_factory=dict)

    def taking_part(self, task: str) -> list[Contestant]:
        """Those of a task that were measured, in the order of the table."""
        return [one for one in CONTESTANTS if one.task == task and one.name in self.files]

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object of the report."""
        return {
            "name": self.name,
            "backbone": self.backbone,
            "sha256": self.sha256,
            "size": list(self.size),
            "ranges": self.ranges,
            "images": self.images,
            "calibration_images": self.calibration,
            "file_bytes": self.files,
            "absent": {name: to_json(reason) for name, reason in self.absent.items()},
            "classified_right": self.right,
            "instructions": self.instructions,
            "threads": {str(count): self._timings_json(count) for count in self.timings},
        }

    def _timings_json(self, threads: int) -> dict[str, Any]:
        timings = self.timings[threads]
        found = {}
        for task in _TASKS:
            for contestant in self.taking_part(task):
                timing = timings[contestant.name]
                entry: dict[str, Any] = {"runtime": timing.runtime, "ns": timing.rounds_ns}
                if contestant.against in timings:
                    entry["ours_over_theirs"] = {
                        label: ratio_to_ours(contestant, timings, value).to_json()
                        for label, value in _PERCENTILES.items()
                    }
                found[contestant.name] = entry
        return found


@dataclass(frozen=True)
class PeersReport:
    """All networks of one run.

    Attributes:
        conditions: Of the machine, before the run.
        load_after: Load of the last minute at its end, or None.
        rounds: Pairs.
        renewed_after: Rounds after which processes were replaced by fresh ones.
        frames: Images that were timed in each round.
        networks: One for each size.
    """

    conditions: dict[str, Any]
    load_after: float | None
    rounds: int
    renewed_after: int
    frames: int
    networks: Sequence[NetworkResult]

    def to_bytes(self) -> bytes:
        """Return the JSON file."""
        record = {
            "kind": "saliedge-peers",
            "schema": SCHEMA,
            "conditions": self.conditions,
            "load_after": self.load_after,
            "rounds": self.rounds,
            "renewed_after": self.renewed_after,
            "frames_a_round": self.frames,
            "networks": [network.to_json() for network in self.networks],
        }
        return (json.dumps(record, allow_nan=False) + "\n").encode()

    def markdown(self) -> str:
        """Return the tables and the line of conditions."""
        lines = [*self._conditions(), ""]
        for network in self.networks:
            lines += _network_lines(network)
        return "\n".join(lines).rstrip() + "\n"

    def _conditions(self) -> list[str]:
        machine, software = self.conditions["machine"], self.conditions["software"]
        flags = machine["cpu_flags"]
        listed = " ".join(flags) if isinstance(flags, list) else str(flags)
        runtimes: dict[str, None] = {}
        for network in self.networks:
            for timings in network.timings.values():
                runtimes |= {timing.runtime: None for timing in timings.values()}
        return [
            f"Conditions: {machine['cpu_model']} ({listed}), {machine['processors_usable']} "
            f"processors, load of the last minute {machine['load_average']} before and "
            f"{self.load_after} after; {software['kernel']}, Python {software['python']}; "
            f"{'; '.join(runtimes)}. {self.rounds} interleaved pairs, {self.frames} images "
            f"timed in each, fresh processes after every {self.renewed_after}. Intervals: 95 %, "
            "sign test over the pairs.",
        ]


def _network_lines(network: NetworkResult) -> list[str]:
    height, width = network.size
    lines = [
        f"## {network.backbone}, {height} x {width}",
        "",
        f"Ranges {network.ranges}; {network.images} held-out images; peers calibrated with "
        f"{network.calibration} training images; bundle {network.sha256[:12]}.",
        "",
    ]
    for task, title in _TASKS.items():
        contestants = network.taking_part(task)
        if not contestants:
            continue
        head = [title, "right", "MB", "threads", "p50 ms", "p10 ms"]
        head += ["ours / theirs, p50", "ours / theirs, p10"]
        counted = network.instructions if task == "network" else {}
        head += [f"10⁶ instructions, {processor}" for processor in counted]
        lines += [_row(head), "|---" + "|---:" * (len(head) - 1) + "|"]
        for contestant in contestants:
            lines += _rows(network, contestant, counted)
        lines.append("")
    lines += [f"Absent: {name} ({reason.reason})." for name, reason in network.absent.items()]
    return [*lines, ""] if network.absent else lines


def _rows(
    network: NetworkResult, contestant: Contestant, counted: dict[str, dict[str, int]]
) -> list[str]:
    """A line for each number of threads; what does not depend on it stands in the first."""
    name, right = contestant.name, network.right[contestant.name]
    rows = []
    for number, (threads, timings) in enumerate(network.timings.items()):
        share = f"{right} of {network.images} ({100 * right / network.images:.1f} %)"
        cells = [name, share, f"{network.files[name] / 1e6:.2f}"] if number == 0 else [""] * 3
        cells.append(str(threads))
        cells += [f"{np.median(timings[name].milliseconds(p)):.3f}" for p in _PERCENTILES.values()]
        for percentile in _PERCENTILES.values():
            paired = contestant.against in timings
            cells.append(_shown(ratio_to_ours(contestant, timings, percentile)) if paired else "")
        for counts in counted.values():
            cells.append(_instructions(contestant, counts) if number == 0 else "")
        rows.append(_row(cells))
    return rows


def _instructions(contestant: Contestant, counts: dict[str, int]) -> str:
    """Millions, and our count over it."""
    if contestant.name not in counts:
        return ""
    own = counts[contestant.name]
    if contestant.against not in counts:
        return f"{own / 1e6:.2f}"
    return f"{own / 1e6:.2f} (ours / theirs {counts[contestant.against] / own:.3f})"


def _shown(interval: MedianInterval) -> str:
    if isinstance(interval.low, Absent) or isinstance(interval.high, Absent):
        return f"{interval.median:.3f}"
    return f"{interval.median:.3f} ({interval.low:.3f} to {interval.high:.3f})"


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
