"""``bundle.json`` and ``reference.json`` as frozen dataclasses.

A bundle is the folder ``NAME.edge/``: ``bundle.json``, the graph files, the golden inputs with
their expected outputs, the statistics of ``features`` and the export's report. Nothing in it is
pickled, and every file but ``bundle.json`` is listed in ``files`` with its SHA-256 and size. The
identity of a bundle, ``bundle_sha256``, is therefore the SHA-256 of ``bundle.json`` alone, and a
signature of it (``bundle.sig``, made last and not listed) vouches for all of them.

To write one: make a :class:`BundleSpec`, write the other files, and then
``json.dumps(spec.to_json(), indent=1)`` to ``bundle.json``. Making a spec checks it, so a spec
that could be made can be read.

Versions: ``schema`` is ``MAJOR.MINOR``. A reader takes any minor of its own major and ignores
fields that it does not know; it refuses another major. So a field may be added with a new minor,
and a field may change its meaning only with a new major.

History: 1.0 first version; 1.1 ``operating_points``; 1.2 ``preprocessing.roi`` (a record that has
one names a kernel that readers of 1.1 refuse, so that none of them looks at the whole frame); 1.3
``features.threshold`` and ``features.false_alarm_rate``; 1.4 ``map_grid`` of a graph (without it
the cells of a map share the picture evenly).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from edge_runtime.bundle import fields
from edge_runtime.bundle.graphs import (
    FileRecord,
    GraphSpec,
    SaliencyMode,
    TensorSpec,
    check_file_name,
)
from edge_runtime.bundle.operating_point import OperatingPoint
from edge_runtime.bundle.records import FeatureStatistics, Gate, Golden, SiteQuantization
from edge_runtime.preprocessing import Preprocessing

__all__ = [
    "BUNDLE_FILE",
    "REFERENCE_FILE",
    "SCHEMA",
    "SIGNATURE_FILE",
    "BundleSpec",
    "FeatureStatistics",
    "FileRecord",
    "Gate",
    "Golden",
    "GraphSpec",
    "OperatingPoint",
    "ReferenceSpec",
    "SiteQuantization",
    "TensorSpec",
    "check_schema_version",
]

SCHEMA = "1.4"
BUNDLE_FILE = "bundle.json"
REFERENCE_FILE = "reference.json"
SIGNATURE_FILE = "bundle.sig"

_VERSION = re.compile(r"(\d{1,6})\.(\d{1,6})")


def check_schema_version(record: dict[str, Any]) -> None:
    """Refuse a record of another major schema version.

    Raises:
        ValueError: No version, or another major; the sentence says what to do.
    """
    version = fields.text(record, "schema")
    match = _VERSION.fullmatch(version)
    if match is None:
        raise ValueError(f"the schema version {version!r} is not MAJOR.MINOR")
    major, own = int(match[1]), int(SCHEMA.partition(".")[0])
    if major != own:
        remedy = "update saliedge" if major > own else "export the run again"
        raise ValueError(
            f"schema version {version} cannot be read by this saliedge (it reads {own}.x): {remedy}"
        )


@dataclass(frozen=True)
class _GraphFolder:
    """What a bundle and a reference have in common: classes, input geometry, graphs and files.

    Attributes:
        name: Name of the model, for people.
        classes: Class names in the order of the logits, unique.
        preprocessing: From a frame to the graphs' input.
        graphs: The graph files; each listed in ``files``.
        files: File name -> what it must be; those of ``unlisted_files`` are not in it.
    """

    unlisted_files: ClassVar[frozenset[str]]

    name: str
    classes: tuple[str, ...]
    preprocessing: Preprocessing
    graphs: tuple[GraphSpec, ...]
    files: Mapping[str, FileRecord]

    def __post_init__(self) -> None:
        if not self.classes or len(set(self.classes)) != len(self.classes):
            raise ValueError("the classes are missing or not unique")
        for name in self.files:
            check_file_name(name)
            if name in self.unlisted_files:
                raise ValueError(f"the file {name!r} must not be listed in 'files'")
        expected = (1, self.preprocessing.height, self.preprocessing.width, 3)
        seen = set()
        for graph in self.graphs:
            if graph.file not in self.files:
                raise ValueError(f"the graph file {graph.file!r} is not listed in 'files'")
            if graph.input("image").shape != expected:
                raise ValueError(f"the graph {graph.name!r} does not take images {list(expected)}")
            if graph.output("logits").shape != (1, len(self.classes)):
                raise ValueError(f"the graph {graph.name!r} has not one logit for each class")
            key = (graph.precision, graph.format, graph.saliency)
            if key in seen:
                raise ValueError(f"there are two graphs {' '.join(key)}")
            seen.add(key)

    def saliency_modes(self, graph_format: str) -> tuple[SaliencyMode, ...]:
        """Return the saliency modes that a format's graphs offer, ``none`` included."""
        return tuple(graph.saliency for graph in self.graphs if graph.format == graph_format)

    def _shared_json(self) -> dict[str, Any]:
        return {
            "schema": SCHEMA,
            "name": self.name,
            "classes": list(self.classes),
            "preprocessing": self.preprocessing.to_json(),
            "graphs": [graph.to_json() for graph in self.graphs],
            "files": {name: self.files[name].to_json() for name in sorted(self.files)},
        }

    @staticmethod
    def _shared_arguments(record: dict[str, Any]) -> dict[str, Any]:
        check_schema_version(record)
        return {
            "name": fields.text(record, "name"),
            "classes": fields.text_list(record, "classes"),
            "preprocessing": Preprocessing.from_json(fields.json_object(record, "preprocessing")),
            "graphs": fields.list_of(record, "graphs", GraphSpec.from_json),
            "files": fields.mapping_of(record, "files", FileRecord.from_json),
        }


@dataclass(frozen=True)
class BundleSpec(_GraphFolder):
    """All of ``bundle.json``.

    Attributes:
        golden: Golden inputs and expected outputs, or None.
        features: Statistics of ``features``, or None.
        quantization: One entry for each activation site.
        temperature: probabilities = softmax(logits / temperature).
        operating_points: From which probability on a class is called; at most one of a class.
        provenance: Training as hashes and counts: ``run_sha256``, ``images``, ``seed``,
            ``split`` {``seed``, ``fractions``, ``sha256``}, ``tools`` {name: version}, ... No
            paths and no file names of images.
        metrics: Measured figures, each with what it was measured on.
        gates: Checks that the export made; a bundle is written only if all passed.
        intended_use: What the model is for, in a sentence.
        includes_images: Whether pictures of patients, or names that tell of them, are inside.
    """

    # A record cannot list itself, and a signature is made last.
    unlisted_files: ClassVar[frozenset[str]] = frozenset({BUNDLE_FILE, SIGNATURE_FILE})

    golden: Golden | None = None
    features: FeatureStatistics | None = None
    quantization: tuple[SiteQuantization, ...] = ()
    temperature: float = 1.0
    operating_points: tuple[OperatingPoint, ...] = ()
    provenance: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, Any] = field(default_factory=dict)
    gates: tuple[Gate, ...] = ()
    intended_use: str = "Research use only; not a medical device."
    includes_images: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.graphs:
            raise ValueError("there are no graphs")
        if not self.temperature > 0:
            raise ValueError("the temperature is not positive")
        called = [point.label for point in self.operating_points]
        if len(set(called)) != len(called) or not set(called) <= set(self.classes):
            raise ValueError("an operating point is of no class, or there are two of one class")
        named = list(self._data_files())
        missing = [name for name in named if name not in self.files]
        if missing:
            raise ValueError(f"the file {missing[0]!r} is not listed in 'files'")

    def _data_files(self) -> tuple[str, ...]:
        golden = self.golden and (
            self.golden.images_file,
            self.golden.logits_file,
            *self.golden.saliency_files.values(),
        )
        features = self.features and (self.features.mean_file, self.features.covariance_file)
        return (*(golden or ()), *(features or ()))

    def to_json(self) -> dict[str, Any]:
        """Return the whole ``bundle.json`` as one JSON object."""
        return {
            **self._shared_json(),
            "golden": None if self.golden is None else self.golden.to_json(),
            "features": None if self.features is None else self.features.to_json(),
            "quantization": [site.to_json() for site in self.quantization],
            "temperature": self.temperature,
            "operating_points": [point.to_json() for point in self.operating_points],
            "provenance": dict(self.provenance),
            "metrics": dict(self.metrics),
            "gates": [gate.to_json() for gate in self.gates],
            "intended_use": self.intended_use,
            "includes_images": self.includes_images,
        }

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> BundleSpec:
        """Build from a JSON object; ``ValueError`` says what is wrong with it."""
        optional = {key: record.get(key) for key in ("golden", "features")}
        return cls(
            **cls._shared_arguments(record),
            golden=None
            if optional["golden"] is None
            else Golden.from_json(fields.json_object(record, "golden")),
            features=None
            if optional["features"] is None
            else FeatureStatistics.from_json(fields.json_object(record, "features")),
            quantization=fields.list_of(
                record, "quantization", SiteQuantization.from_json, optional=True
            ),
            temperature=fields.number(record, "temperature", 1.0),
            operating_points=fields.list_of(
                record, "operating_points", OperatingPoint.from_json, optional=True
            ),
            provenance=fields.json_object(record, "provenance", {}),
            metrics=fields.json_object(record, "metrics", {}),
            gates=fields.list_of(record, "gates", Gate.from_json, optional=True),
            intended_use=fields.text(record, "intended_use", cls.intended_use),
            includes_images=fields.boolean(record, "includes_images", False),
        )


@dataclass(frozen=True)
class ReferenceSpec(_GraphFolder):
    """All of ``reference.json`` in ``NAME.reference/``: float graphs for comparison, not devices.

    Attributes:
        bundle_sha256: Identity of the bundle that was exported with it.
    """

    unlisted_files: ClassVar[frozenset[str]] = frozenset({REFERENCE_FILE})

    bundle_sha256: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the whole ``reference.json`` as one JSON object."""
        return {**self._shared_json(), "bundle_sha256": self.bundle_sha256}

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> ReferenceSpec:
        """Build from a JSON object; ``ValueError`` says what is wrong with it."""
        return cls(
            **cls._shared_arguments(record),
            bundle_sha256=fields.text(record, "bundle_sha256", ""),
        )
