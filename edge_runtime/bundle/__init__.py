"""The bundle: the folder ``NAME.edge/`` that is all a device needs, and how it is read."""

from __future__ import annotations

from edge_runtime.bundle.reader import (
    Bundle,
    FileCheck,
    Reference,
    open_bundle,
    open_reference,
    reference_path,
)
from edge_runtime.bundle.schema import (
    BUNDLE_FILE,
    REFERENCE_FILE,
    SCHEMA,
    SIGNATURE_FILE,
    BundleSpec,
    FeatureStatistics,
    FileRecord,
    Gate,
    Golden,
    GraphSpec,
    OperatingPoint,
    ReferenceSpec,
    SiteQuantization,
    TensorSpec,
)

__all__ = [
    "BUNDLE_FILE",
    "REFERENCE_FILE",
    "SCHEMA",
    "SIGNATURE_FILE",
    "Bundle",
    "BundleSpec",
    "FeatureStatistics",
    "FileCheck",
    "FileRecord",
    "Gate",
    "Golden",
    "GraphSpec",
    "OperatingPoint",
    "Reference",
    "ReferenceSpec",
    "SiteQuantization",
    "TensorSpec",
    "open_bundle",
    "open_reference",
    "reference_path",
]
