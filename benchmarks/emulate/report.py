"""Counts of instructions and their JSON file.

Schema ``MAJOR.MINOR``; a reader accepts an unknown minor and refuses an unknown major. History:

1.0  First version.

Two files may be compared if engine, numpy and Python versions of the counts agree.
"""

from __future__ import annotations

import json
import statistics
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.absent import Absent, or_absent, to_json
from benchmarks.configurations import Configuration
from benchmarks.emulate.processors import PROCESSORS
from benchmarks.report import BundleIdentity
from benchmarks.report_file import read_report_file, report_fields

__all__ = ["SCHEMA", "WHAT", "Count", "EmulationReport", "read_emulation_report"]

SCHEMA = "1.0"
WHAT = "instructions under emulation, no latency"
_KIND = "saliedge-emulate"


@dataclass(frozen=True)
class Count:
    """One graph on one processor.

    Attributes:
        configuration: Engine, precision and saliency.
        graph: File of the graph.
        processor: A key of ``PROCESSORS``.
        device_set: A key of ``DEVICE_SETS``.
        instructions: Of each counted inference, with one thread, Python's call included.
        engine_version: Version of the engine's package.
        numpy_version: Version of numpy.
        python_version: Version of Python.
        macs: Multiply-accumulates of the graph.
        outputs_as_here: Whether all outputs have the same bits on the machine that emulated.
    """

    configuration: Configuration
    graph: str
    processor: str
    device_set: str
    instructions: tuple[int, ...]
    engine_version: str
    numpy_version: str
    python_version: str
    macs: int | Absent
    outputs_as_here: bool | Absent

    @property
    def key(self) -> str:
        """Name that is unique within a report of one device set for each engine."""
        return f"{self.device_set} {self.processor} {self.configuration.name}"

    @property
    def figure(self) -> int:
        """The (lower) median of the counted inferences."""
        return statistics.median_low(self.instructions)

    @property
    def bound(self) -> int | Absent:
        """Fewest instructions of the graph's multiplications, all else being free."""
        if isinstance(self.macs, Absent):
            return self.macs
        processor = PROCESSORS[self.processor]
        is_float = self.configuration.precision == "float32"
        each = processor.float32_macs if is_float else processor.int8_macs
        return -(-self.macs // each)

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that :meth:`from_json` reads."""
        own = {name: to_json(value) for name, value in vars(self).items()}
        return {
            **own,
            "configuration": self.configuration.to_json(),
            "instructions": list(self.instructions),
            "figure": self.figure,
            "bound": to_json(self.bound),
        }

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Count:
        """Build from a JSON object; ``ValueError`` says what is wrong with it."""
        counts = tuple(map(int, record["instructions"]))
        if not counts or record["processor"] not in PROCESSORS:
            raise ValueError("a count has no instructions or an unknown processor")
        texts = (
            "graph", "processor", "device_set", "engine_version", "numpy_version", "python_version",
        )  # fmt: skip
        return cls(
            configuration=Configuration.from_json(record["configuration"]),
            instructions=counts,
            macs=or_absent(record["macs"], int),
            outputs_as_here=or_absent(record["outputs_as_here"], bool),
            **{name: str(record[name]) for name in texts},
        )


@dataclass(frozen=True)
class EmulationReport:
    """All counts of one bundle.

    Attributes:
        bundle: What was run.
        emulator: Version of qemu.
        here: The machine's processor whose outputs were compared.
        counts: One for each graph and processor.
        left_out: What was not counted -> why.
    """

    bundle: BundleIdentity
    emulator: str
    here: str
    counts: tuple[Count, ...]
    left_out: dict[str, str]

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that :meth:`from_json` reads.

        Also ``kind`` (``saliedge-emulate``), ``schema`` (MAJOR.MINOR) and ``what`` (what is
        counted, and that it is no latency).
        """
        return {
            "kind": _KIND,
            "schema": SCHEMA,
            "what": WHAT,
            "bundle": vars(self.bundle).copy(),
            "emulator": self.emulator,
            "here": self.here,
            "counts": [count.to_json() for count in self.counts],
            "left_out": self.left_out,
        }

    def to_bytes(self) -> bytes:
        """Return the JSON file; the same bytes for the same counts."""
        return (json.dumps(self.to_json(), indent=1, allow_nan=False) + "\n").encode()

    @classmethod
    def from_json(cls, record: Any) -> EmulationReport:
        """Build from a JSON object.

        Raises:
            ValueError: It is no report, of another major version, or lacks something.
        """
        with report_fields(record, _KIND, SCHEMA, "bench emulate"):
            return cls(
                bundle=BundleIdentity(**record["bundle"]),
                emulator=str(record["emulator"]),
                here=str(record["here"]),
                counts=tuple(map(Count.from_json, record["counts"])),
                left_out=dict(record["left_out"]),
            )


def read_emulation_report(path: Path) -> EmulationReport:
    """Read the JSON file of a report.

    Raises:
        ArtifactError: The file is missing, damaged, no report or of another major version.
    """
    return read_report_file(
        path, EmulationReport.from_json, "give a file of `bench emulate --json`"
    )
