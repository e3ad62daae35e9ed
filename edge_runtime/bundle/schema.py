"""``bundle.json`` and ``reference.json`` as frozen dataclasses.

A bundle is the folder ``NAME.edge/``: ``bundle.json``, the graph files, the golden inputs with
their expected outputs, the statistics of ``features`` and the export's report. Nothing in it is
pickled, and every file but ``bundle.json`` is listed in ``files`` with its SHA-256 and size. The
identity of a bundle, ``bundle_sha256``, is therefore the SHA-256 of ``bundle.json`` alone, and a
signature of it (``bundle.sig``, made last and not listed) vouches for all of them.

To write one: make a :class:`BundleSpec`, write the other files, and then
``json.dumps(spec.to_json(), indent=1)`` to ``bundle.json``. Making a spec checks it, so a spec
that could be made can be read.

``bundle.schema.json`` beside this module describes the record for other programs; it is made from
these classes by ``python -m edge_runtime.bundle.json_schema``. See docs/reference/bundle.md.

Versions: ``schema`` is ``MAJOR.MINOR``. A reader takes any minor of its own major and ignores
fields that it does not know; it refuses another major. So a field may be added with a new minor,
and a field may change its meaning only with a new major.

History: 1.0 first version; 1.1 ``operating_points``; 1.2 ``preprocessing.roi`` (a record that has
one names a kernel that readers of 1.1 refuse, so that none of them looks at the whole frame); 1.3
``features.threshold`` and ``features.false_alarm_rate``; 1.4 ``map_grid`` of a graph (without it
the cells of a map share the picture evenly); 1.5 graphs of ``gradient-early`` (readers of 1.4
refuse a record that has one); 1.6 ``features.whitening_file`` in place of
``features.covariance_file`` (readers of 1.5 refuse a record without the latter);
1.7 ``saliency_trust``.
1.8 ``saliency_trust.signal_floor``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import field
from typing import Annotated, Any, ClassVar, Self

from edge_runtime.bundle.graphs import (
    FILE_NAME_PATTERN,
    FileRecord,
    GraphSpec,
    SaliencyMode,
    TensorSpec,
    check_file_name,
)
from edge_runtime.bundle.operating_point import OperatingPoint
from edge_runtime.bundle.records import FeatureStatistics, Gate, Golden, SiteQuantization
from edge_runtime.bundle.trust import SaliencyTrust
from edge_runtime.preprocessing import Preprocessing
from edge_runtime.quick_dataclass import dataclass
from edge_runtime.record import Record, entry

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

SCHEMA = "1.8"
BUNDLE_FILE = "bundle.json"
REFERENCE_FILE = "reference.json"
SIGNATURE_FILE = "bundle.sig"

_VERSION = re.compile(r"(\d{1,6})\.(\d{1,6})")


def check_schema_version(record: dict[str, Any]) -> None:
    """Refuse a record of another major schema version.

    Raises:
        ValueError: No version, or another major; the sentence says what to do.
    """
    if "schema" not in record:
        raise ValueError("the field 'schema' is missing")
    version = record["schema"]
    if not isinstance(version, str):
        raise ValueError("the field 'schema' is not a string")
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
class _GraphFolder(Record):
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
    classes: Annotated[tuple[str, ...], entry(minItems=1, uniqueItems=True)]
    preprocessing: Preprocessing
    graphs: Annotated[tuple[GraphSpec, ...], entry(minItems=1)]
    files: Annotated[Mapping[str, FileRecord], entry(propertyNames={"pattern": FILE_NAME_PATTERN})]

    def __post_init__(self) -> None:
        if not self.graphs:
            raise ValueError("there are no graphs")
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

    def to_json(self) -> dict[str, Any]:
        """Return the whole record as one JSON object, of the present schema."""
        return {"schema": SCHEMA, **super().to_json()}

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Self:
        """Build from a JSON object; ``ValueError`` says what is wrong with it."""
        check_schema_version(record)
        return super().from_json(record)

    @classmethod
    def json_schema(cls) -> dict[str, Any]:
        """Return the JSON Schema of the record, any minor version of the present major."""
        described = super().json_schema()
        major = SCHEMA.partition(".")[0]
        version = {
            "description": f"MAJOR.MINOR; this saliedge writes {SCHEMA}.",
            "type": "string",
            "pattern": rf"^0*{major}\.[0-9]{{1,6}}$",
        }
        return {
            **described,
            "properties": {"schema": version, **described["properties"]},
            "required": ["schema", *described["required"]],
        }

    def saliency_modes(self, graph_format: str) -> tuple[SaliencyMode, ...]:
        """Return the saliency modes that a format's graphs offer, ``none`` included."""
        return tuple(graph.saliency for graph in self.graphs if graph.format == graph_format)


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
        saliency_trust: The trust card: a row for each kind of map in each engine.
        intended_use: What the model is for, in a sentence.
        includes_images: Whether pictures of patients, or names that tell of them, are inside.
    """

    # A record cannot list itself, and a signature is made last.
    unlisted_files: ClassVar[frozenset[str]] = frozenset({BUNDLE_FILE, SIGNATURE_FILE})

    golden: Golden | None = None
    features: FeatureStatistics | None = None
    quantization: tuple[SiteQuantization, ...] = ()
    temperature: Annotated[float, entry(exclusiveMinimum=0)] = 1.0
    operating_points: tuple[OperatingPoint, ...] = ()
    provenance: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, Any] = field(default_factory=dict)
    gates: tuple[Gate, ...] = ()
    saliency_trust: tuple[SaliencyTrust, ...] = ()
    intended_use: str = "Research use only; not a medical device."
    includes_images: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
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
        features = self.features and self.features.files
        return (*(golden or ()), *(features or ()))


@dataclass(frozen=True)
class ReferenceSpec(_GraphFolder):
    """All of ``reference.json`` in ``NAME.reference/``: float graphs for comparison, not devices.

    Attributes:
        bundle_sha256: Identity of the bundle that was exported with it.
    """

    unlisted_files: ClassVar[frozenset[str]] = frozenset({REFERENCE_FILE})

    bundle_sha256: str = ""
