"""The report of ``bench profile`` and its JSON file.

Schema 1.0; a reader accepts an unknown minor and refuses an unknown major.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from benchmarks.configurations import Configuration
from benchmarks.profile.operators import Operators, by_type
from benchmarks.report import BundleIdentity
from benchmarks.report_file import json_lines, report_fields

__all__ = ["SCHEMA", "Profile", "ProfileReport"]

SCHEMA = "1.0"
_KIND = "saliedge-bench-profile"


@dataclass(frozen=True)
class Profile:
    """One configuration.

    Attributes:
        configuration: Engine, precision and map.
        p50_ms: Median inference, measured apart without a profiler.
        operators: Where it goes.
        advice: What to do, a sentence each; of INT8 configurations only.
    """

    configuration: Configuration
    p50_ms: float
    operators: Operators
    advice: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that :meth:`from_json` reads."""
        return {
            **self.configuration.to_json(),
            "name": self.configuration.name,
            "p50_ms": self.p50_ms,
            "advice": list(self.advice),
            "types": [vars(item) for item in by_type(self.operators)],
            "operators": self.operators.to_json(),
        }

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Profile:
        """Build from a JSON object; ``ValueError`` or ``KeyError`` says what is wrong with it."""
        return cls(
            Configuration.from_json(record),
            float(record["p50_ms"]),
            Operators.from_json(record["operators"]),
            tuple(map(str, record["advice"])),
        )


@dataclass(frozen=True)
class ProfileReport:
    """Profiles of a bundle's graphs on one machine.

    Attributes:
        bundle: What was profiled.
        threads: Threads of the engines.
        conditions: See :func:`benchmarks.conditions.conditions`.
        profiles: One for each configuration.
    """

    bundle: BundleIdentity
    threads: int
    conditions: dict[str, Any]
    profiles: tuple[Profile, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that :meth:`from_json` reads."""
        return {
            "kind": _KIND,
            "schema": SCHEMA,
            "bundle": vars(self.bundle).copy(),
            "threads": self.threads,
            "conditions": self.conditions,
            "profiles": [profile.to_json() for profile in self.profiles],
        }

    def to_bytes(self) -> bytes:
        """Return the JSON file."""
        return json_lines(self.to_json())

    @classmethod
    def from_json(cls, record: Any) -> ProfileReport:
        """Build from a JSON object.

        Raises:
            ValueError: It is no such report, of another major version, or lacks something.
        """
        with report_fields(record, _KIND, SCHEMA, "bench profile"):
            return cls(
                BundleIdentity(**record["bundle"]),
                int(record["threads"]),
                dict(record["conditions"]),
                tuple(Profile.from_json(item) for item in record["profiles"]),
            )
