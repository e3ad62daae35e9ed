"""A benchmark's report and its JSON file.

Schema ``MAJOR.MINOR``; a reader accepts an unknown minor and refuses an unknown major. History:

1.0  First version.
1.1  ``stability``: a verdict and its findings, in words.
1.2  ``costs`` of a round and of a summary, ``difference_ms`` of a ratio, ``installed_bytes``.
2.0  Several numbers of threads and several bundles: ``threads`` and ``bundle`` of a result,
     ``further_bundles``, ratios ``threads`` and ``bundle``. A reader of 1.x would take two results
     that differ in these alone for one. Files of 1.x are read.
2.1  ``probe`` and ``probe_ns`` of a round: the machine-speed probe.

The file holds every sample. The figures in ``summary`` and ``ratios`` are there for readers that
do not want to compute them; this reader computes them anew, so they cannot contradict the samples.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.absent import Absent, or_absent, to_json
from benchmarks.configurations import Configuration
from benchmarks.report_file import json_lines, read_report_file, report_fields
from benchmarks.stability import findings_of_machine, findings_of_rounds, told
from benchmarks.summary import Ratio, Summary, ratios, summarize
from benchmarks.worker import Round
from benchmarks.workload import Workload
from edge_runtime.bundle import Bundle

__all__ = ["SCHEMA", "BundleIdentity", "Report", "Result", "read_report"]

SCHEMA = "2.1"
_OLDER_MAJORS = ("1",)
_KIND = "saliedge-bench"


@dataclass(frozen=True)
class BundleIdentity:
    """Which bundle was measured.

    Attributes:
        file: Name of its folder, without the path.
        name: Name of the model.
        sha256: Identity of the bundle.
        height: Rows of the network's input.
        width: Columns of the network's input.
    """

    file: str
    name: str
    sha256: str
    height: int
    width: int

    @classmethod
    def of(cls, bundle: Bundle) -> BundleIdentity:
        """Return the identity of an opened bundle."""
        geometry = bundle.spec.preprocessing
        return cls(
            file=bundle.path.resolve().name,  # there is one even for the path "."
            name=bundle.spec.name,
            sha256=bundle.sha256,
            height=geometry.height,
            width=geometry.width,
        )


@dataclass(frozen=True)
class Result:
    """One configuration as measured.

    Attributes:
        configuration: Engine, precision and saliency.
        graph: File of the graph.
        model_bytes: Its size.
        rounds: What each process measured, in order.
    """

    configuration: Configuration
    graph: str
    model_bytes: int
    rounds: tuple[Round, ...]

    @property
    def summary(self) -> Summary:
        """Figures over all rounds."""
        return summarize(self.rounds)

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that :meth:`from_json` reads."""
        return {
            **self.configuration.to_json(),
            "threads": self.configuration.threads,
            "bundle": self.configuration.bundle,
            "name": self.configuration.name,
            "graph": self.graph,
            "model_bytes": self.model_bytes,
            "summary": self.summary.to_json(),
            "rounds": [item.to_json() for item in self.rounds],
        }

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Result:
        """Build from a JSON object; ``ValueError`` or ``KeyError`` says what is wrong with it."""
        rounds = tuple(Round.from_json(item) for item in record["rounds"])
        if not rounds:
            raise ValueError("a configuration has no rounds")
        configuration = Configuration.from_json(record)
        return cls(configuration, str(record["graph"]), int(record["model_bytes"]), rounds)


@dataclass(frozen=True)
class Report:
    """Everything that a run of ``bench`` found out.

    Attributes:
        bundle: What was measured; the first of several.
        workload: How; its threads are those of configurations that name none.
        conditions: On what; see :func:`benchmarks.conditions.conditions`.
        started_utc: ISO 8601 time of the start.
        seconds: Duration of the whole run.
        results: One for each configuration, in the order of measuring.
        left_out: Name of a configuration or engine -> why it was not measured.
        installed_bytes: What takes space on the disk -> how much; empty in an older report.
        further_bundles: The others, if several were measured.
    """

    bundle: BundleIdentity
    workload: Workload
    conditions: dict[str, Any]
    started_utc: str
    seconds: float
    results: tuple[Result, ...]
    left_out: dict[str, str]
    installed_bytes: dict[str, int | Absent] = field(default_factory=dict)
    further_bundles: tuple[BundleIdentity, ...] = ()

    @property
    def bundles(self) -> tuple[BundleIdentity, ...]:
        """All that were measured."""
        return (self.bundle, *self.further_bundles)

    @property
    def thread_counts(self) -> tuple[int, ...]:
        """Numbers of threads that were measured, in that order."""
        return tuple(dict.fromkeys(self.threads_of(item.configuration) for item in self.results))

    def threads_of(self, configuration: Configuration) -> int:
        """Threads of the engine in a configuration."""
        return configuration.threads or self.workload.threads

    def bundle_of(self, configuration: Configuration) -> BundleIdentity:
        """Return the bundle of a configuration; ``StopIteration`` if the report lacks it."""
        file = configuration.bundle
        return next(item for item in self.bundles if file in (None, item.file))

    @property
    def engine_versions(self) -> dict[str, str]:
        """Engine -> version that its processes loaded."""
        return {
            result.configuration.engine: result.rounds[0].engine_version for result in self.results
        }

    @property
    def ratios(self) -> tuple[Ratio, ...]:
        """INT8 over float and saliency over plain, paired by round."""
        return ratios({result.configuration: result.rounds for result in self.results})

    @property
    def findings(self) -> tuple[str, ...]:
        """Why figures cannot be relied on, a sentence each; empty if they are stable."""
        found = {
            result.configuration.name: findings_of_rounds(result.rounds) for result in self.results
        }
        sentences = findings_of_machine(self.conditions["machine"])
        return (*sentences, *told(found, self.workload.warmup))

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that :meth:`from_json` reads."""
        findings = self.findings
        return {
            "kind": _KIND,
            "schema": SCHEMA,
            "bundle": vars(self.bundle).copy(),
            "further_bundles": [vars(item).copy() for item in self.further_bundles],
            "workload": self.workload.to_json(),
            "conditions": self.conditions,
            "engine_versions": self.engine_versions,
            "started_utc": self.started_utc,
            "seconds": self.seconds,
            "results": [result.to_json() for result in self.results],
            "ratios": [ratio.to_json() for ratio in self.ratios],
            "stability": {
                "verdict": "unstable" if findings else "stable",
                "findings": list(findings),
            },
            "left_out": self.left_out,
            "installed_bytes": {name: to_json(size) for name, size in self.installed_bytes.items()},
        }

    def to_bytes(self) -> bytes:
        """Return the JSON file; no NaN, one line for each top-level entry."""
        return json_lines(self.to_json())

    @classmethod
    def from_json(cls, record: Any) -> Report:
        """Build from a JSON object.

        Raises:
            ValueError: It is no report, of another major version, or lacks something.
        """
        with report_fields(record, _KIND, SCHEMA, "bench", _OLDER_MAJORS):
            found = cls(
                bundle=BundleIdentity(**record["bundle"]),
                workload=Workload.from_json(record["workload"]),
                conditions=dict(record["conditions"]),
                started_utc=str(record["started_utc"]),
                seconds=float(record["seconds"]),
                results=tuple(Result.from_json(item) for item in record["results"]),
                left_out=dict(record["left_out"]),
                installed_bytes={
                    name: or_absent(size, int)
                    for name, size in record.get("installed_bytes", {}).items()
                },
                further_bundles=tuple(
                    BundleIdentity(**item) for item in record.get("further_bundles", ())
                ),
            )
            known = {None, *(item.file for item in found.bundles)}
            if not known.issuperset(item.configuration.bundle for item in found.results):
                raise ValueError("a configuration is of a bundle that it does not name")
            return found


def read_report(path: Path) -> Report:
    """Read the JSON file of a report.

    Raises:
        ArtifactError: The file is missing, damaged, no report or of another major version.
    """
    return read_report_file(path, Report.from_json, "give the file that `bench --json` wrote")
