"""Peak memory of ``edge-infer`` beside the camera of a machine that has booted."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.configurations import SALIENCIES
from benchmarks.emulate.markdown import markdown_table
from benchmarks.vm.agent import Agent
from edge_runtime.errors import ArtifactError, GateError

__all__ = ["ENGINES", "Peak", "joined", "measure_peaks", "memory_table", "peaks_text",
           "read_peaks"]  # fmt: skip

ENGINES = ("onnx", "litert")
_FRAMES = 10
_SECONDS = 900.0
_SHOWN = {
    "onnx": "ONNX Runtime",
    "litert": "LiteRT",
    "none": "no map",
    "cam": "class activation map",
    "gradient-early": "gradient at an early map",
}

# Runs a command, then prints its peak and the memory that the kernel leaves to programs.
_WATCH = """
import json, resource, subprocess, sys
ended = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL)
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
total = next(int(line.split()[1]) / 1024 for line in open("/proc/meminfo") if "MemTotal" in line)
print(json.dumps({"code": ended.returncode, "peak_mib": peak, "usable_mib": total}))
"""


@dataclass(frozen=True)
class Peak:
    """One run.

    Attributes:
        processor: Core of the machine.
        memory_mib: Its memory.
        usable_mib: What its kernel leaves of that to programs.
        side: Of the network's square input, pixels.
        engine: Engine.
        saliency: Map.
        peak_mib: Most resident memory of ``edge-infer``, pages of libraries counted.
    """

    processor: str
    memory_mib: int
    usable_mib: float
    side: int
    engine: str
    saliency: str
    peak_mib: float


def measure_peaks(
    agent: Agent, processor: str, memory_mib: int, bundle: str, side: int
) -> list[Peak]:
    """Run every engine with every map for some frames of 640 x 480; nobody looks at the page.

    Args:
        agent: Of a machine on which saliedge is installed.
        processor: Its core.
        memory_mib: Its memory.
        bundle: A path on the machine.
        side: Of the bundle's input.

    Raises:
        GateError: A run did not end in order. There is no swap: what does not fit is killed.
    """
    peaks = []
    for engine in ENGINES:
        for saliency in SALIENCIES:
            command = [
                *("edge-infer", "--bundle", bundle, "--camera", "0", "--camera-size", "640x480"),
                *("--serve", "--engine", engine, "--saliency", saliency),
                *("--max-frames", str(_FRAMES)),
            ]
            said = agent.check("python3", "-c", _WATCH, *command, seconds=_SECONDS)
            found = json.loads(said.splitlines()[-1])
            if found["code"]:
                raise GateError(
                    f"edge-infer ended with {found['code']} in {engine} with the map {saliency} on "
                    f"{memory_mib} MB; the machine's console may say that it was killed."
                )
            usable, peak = found["usable_mib"], found["peak_mib"]
            peaks.append(Peak(processor, memory_mib, usable, side, engine, saliency, peak))
    return peaks


def joined(earlier: Sequence[Peak], now: Sequence[Peak]) -> list[Peak]:
    """Return what was measured now and, of other machines and inputs, what was measured earlier.

    In the order of the machines' memory and the inputs' sides, whenever each was measured.
    """
    places = {_place(peak) for peak in now}
    kept = [peak for peak in earlier if _place(peak) not in places]
    return sorted([*kept, *now], key=_place)


def _place(peak: Peak) -> tuple[str, int, int]:
    return peak.processor, peak.memory_mib, peak.side


def peaks_text(peaks: Sequence[Peak]) -> str:
    """Return the JSON file that :func:`read_peaks` reads."""
    return json.dumps([asdict(peak) for peak in peaks], indent=1) + "\n"


def read_peaks(path: Path) -> tuple[Peak, ...]:
    """Read what :func:`peaks_text` gave.

    Raises:
        ArtifactError: The file is missing or damaged.
    """
    try:
        return tuple(Peak(**record) for record in json.loads(path.read_text(encoding="utf-8")))
    except (OSError, TypeError, ValueError) as error:
        raise ArtifactError(f"{path} holds no peaks of memory ({error}).") from error


def memory_table(peaks: Sequence[Peak]) -> str:
    """Return a Markdown table: a row for each machine, input and engine, a column for each map."""
    maps = tuple(dict.fromkeys(peak.saliency for peak in peaks))
    rows: dict[tuple[str, ...], dict[str, float]] = {}
    for peak in peaks:
        machine = (f"{peak.memory_mib} MB", f"{peak.usable_mib:.0f} MiB")
        key = (*machine, f"{peak.side} x {peak.side}", _SHOWN.get(peak.engine, peak.engine))
        rows.setdefault(key, {})[peak.saliency] = peak.peak_mib
    head = ("machine", "left to programs", "input", "engine", *(_SHOWN.get(m, m) for m in maps))
    return markdown_table(
        head,
        [
            (*key, *(f"{found[name]:.0f} MiB" if name in found else "" for name in maps))
            for key, found in rows.items()
        ],
    )
