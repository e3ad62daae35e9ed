"""The record of an export: everything that the page shows as numbers, for programs.

History of its version: 1, gates with their details and ranges; 2, ``calibration`` (sites, layers,
drift), ``sizes`` and ``conditions``; 3, ``trust``.
"""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from typing import Any

from edge_runtime.bundle.trust import SaliencyTrust
from export.candidate import Candidate
from export.checks.calibration import CalibrationChecks
from export.checks.gates import GateReport
from export.operations import Conv, Linear

__all__ = ["REPORT_FORMAT", "REPORT_VERSION", "layer_sizes", "report_record"]

REPORT_FORMAT, REPORT_VERSION = "saliedge-gates", 3


def report_record(
    candidate: Candidate,
    gates: GateReport,
    checks: CalibrationChecks,
    trust: Sequence[SaliencyTrust],
    *,
    name: str,
    classes: Sequence[str],
    class_counts: Mapping[str, int],
    provenance: Mapping[str, Any],
    golden_count: int,
) -> dict[str, Any]:
    """Put the record together: JSON values, no path and no name of an image.

    ``format`` (``saliedge-gates``), ``version`` (of the form), ``name`` (of the model), ``machine``
    (processor architecture), ``tools`` (package to version), ``images`` (how many were judged on:
    those of training, and synthetic ones), ``left_out`` (graph to why it was not written),
    ``conditions`` (what was exported, how), ``trust`` (the trust card of its maps), ``calibration``
    (how the ranges fit) and ``sizes`` (bytes of files and layers).

    Args:
        candidate: what was judged.
        gates: how it was judged.
        checks: how its ranges fit the calibration images.
        trust: the trust card of its maps.
        name: of the model.
        classes: in the order of the logits.
        class_counts: calibration images of each class.
        provenance: hashes, counts and versions.
        golden_count: synthetic images that were checked as well.
    """
    height, width = candidate.network.image_shape
    return {
        "format": REPORT_FORMAT,
        "version": REPORT_VERSION,
        "name": name,
        "machine": platform.machine(),
        "tools": provenance["tools"],
        "images": {"calibration": checks.images, "golden": golden_count},
        "left_out": provenance["export"]["left_out"],
        "conditions": {
            "classes": list(classes),
            "calibration_classes": dict(class_counts),
            "height": height,
            "width": width,
            "backbone": provenance.get("backbone", ""),
            "ranges": provenance["export"]["ranges"],
            "seed": provenance["export"]["seed"],
            "checkpoint_sha256": provenance["checkpoint_sha256"],
            "synthetic": bool(provenance.get("synthetic", False)),
        },
        **gates.to_json(),
        "trust": [row.to_json() for row in trust],
        "calibration": checks.to_json(),
        "sizes": {
            "files": {graph.spec.file: len(graph.model) for graph in candidate.graphs},
            "layers": layer_sizes(candidate),
        },
    }


def layer_sizes(candidate: Candidate) -> list[dict[str, Any]]:
    """What the weights of each layer take in the plain graphs, in execution order.

    ``bytes`` counts int8 weights, int32 biases and the float32 scale of each output channel.
    """
    return [
        {
            "layer": operation.output,
            "weights": int(operation.weight.size),
            "bits": candidate.network.layer_of(operation.output).bits,
            "bytes": int(operation.weight.size + 8 * operation.weight.shape[0]),
        }
        for operation in candidate.plain.operations
        if isinstance(operation, Conv | Linear)
    ]
