"""The JSON that commands write and print, for programs that read it."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.comparing.reports import Change
from benchmarks.emulate.report import Count, EmulationReport
from docs_site.json_shape import Shape, entries
from docs_site.markdown import code, table
from docs_site.page import Page
from edge_runtime.bundle.trust import SaliencyTrust
from edge_runtime.commands.models import _record as models_record
from edge_runtime.doctor import Finding
from edge_runtime.models import Selection
from edge_runtime.monitoring.server import health
from edge_runtime.sinks import SaliencyFolderSink, prediction_record, source_record
from edge_runtime.sources.discovery import CameraRecord
from export.checks.calibration import CalibrationChecks, SiteCheck
from export.checks.gates import GateReport
from export.checks.layer_noise import LayerNoise
from export.checks.range_readback import StoredRange
from export.report import report_record
from train.data_check import DatasetReport
from train.data_check.findings import DuplicateFindings, DuplicatePair, OverlayFinding
from train.evaluation import Evaluation, SaliencyMeasures
from train.evaluation.agreement import AgreementRow
from train.evaluation.decisions import DecisionRow
from train.evaluation.insertion_deletion import InsertionDeletionRow
from train.evaluation.localization import LocalizationRow
from train.evaluation.randomization import RandomizationRow
from train.evaluation.regions import RegionRow
from train.evaluation.report import Calibration
from train.quantization.profile import SiteProfile
from train.study.records import Images, Lesions, Record
from train.sweep.records import EpochFigures, Outcomes, TrialRecord

__all__ = ["FORMATS", "Format", "json_formats_page"]


@dataclass(frozen=True)
class Format:
    """One kind of JSON.

    Attributes:
        title: what it is.
        written_by: Markdown: by which command and to where.
        parts: entry of the object (empty for the object itself) to what makes it.
    """

    title: str
    written_by: str
    parts: dict[str, Shape]


FORMATS = (
    Format(
        "Predictions",
        "A line for each frame: `edge-infer --jsonl FILE`; the same objects go to "
        "`TOPIC/predictions` with `--mqtt`. Entries are only ever added.",
        {"": prediction_record},
    ),
    Format(
        "Camera lost or back",
        "Between the predictions, and at `TOPIC/source`; told by the entry `event`.",
        {"": source_record},
    ),
    Format(
        "Where maps lie",
        "`mapping.json` beside the `.npy` files of `edge-infer --save-saliency DIR`; under "
        "`frames` an object for each frame size: `frame_hw`, `map_hw`, and `scale_xy` and "
        "`offset_xy` in frame pixels.",
        {"": SaliencyFolderSink.__init__},
    ),
    Format("Health", "`/healthz` of `edge-infer --metrics`.", {"": health}),
    Format("Findings on a device", "`saliedge doctor --json`, a list.", {"": Finding}),
    Format("Cameras", "`saliedge cameras --json`, a list.", {"": CameraRecord}),
    Format(
        "Models of a device",
        "`saliedge models list --json`; `selection` is what `selection.json` holds.",
        {"": models_record, "selection": Selection},
    ),
    Format(
        "Findings on data",
        "`saliedge data check --json`, and `report.json` with `--out`.",
        {
            "": DatasetReport,
            "duplicates": DuplicateFindings,
            "duplicates.listed[]": DuplicatePair,
            "overlays[]": OverlayFinding,
        },
    ),
    Format(
        "Evaluation",
        "`metrics.json` of `saliedge evaluate`, and `--json`. A figure with an interval is "
        "`value`, `low` and `high`.",
        {
            "": Evaluation,
            "calibration": Calibration,
            "operating_points[]": DecisionRow,
            "saliency": SaliencyMeasures,
            "saliency.rows[]": LocalizationRow,
            "saliency.regions[]": RegionRow,
            "saliency.agreement[]": AgreementRow,
            "saliency.randomization[]": RandomizationRow,
            "saliency.insertion_deletion[]": InsertionDeletionRow,
        },
    ),
    Format(
        "Gates of an export",
        "`gates.json` in the bundle and `NAME.gates.json` beside it: with `passed`, `failed`, "
        "`thresholds`, `gates`, `details` and `ranges` of the second table.",
        {
            "": report_record,
            "(gates)": GateReport,
            "ranges[]": StoredRange,
            "trust[]": SaliencyTrust,
            "calibration": CalibrationChecks,
            "calibration.sites[]": SiteCheck,
            "calibration.sites[], too": SiteProfile,
            "calibration.layers[]": LayerNoise,
        },
    ),
    Format(
        "Comparison of benchmark reports",
        "`bench compare --json FILE`: `kind`, `schema`, `base`, `stage`, `percentile` and "
        "`changes`. The reports themselves: [bench report](bench-report.md).",
        {"changes[]": Change},
    ),
    Format(
        "Instruction counts",
        "`bench emulate --json FILE`.",
        {"": EmulationReport, "counts[]": Count},
    ),
    Format(
        "Row of a study",
        "`rows/*.json` of `saliedge study`.",
        {"": Record, "images": Images, "lesions": Lesions},
    ),
    Format(
        "Trial of a sweep",
        "`rows/*.json` of `saliedge sweep`.",
        {"": TrialRecord, "history[]": EpochFigures, "outcomes": Outcomes},
    ),
)
"""In the order of a device, then of the workstation."""


def json_formats_page() -> Page:
    """The page."""
    parts = [
        "Entries are read out of the code that writes them. A reader should ignore entries that it "
        "does not know. Numbers that could not be measured are absent or null, never zero. "
        "`bundle.json` has [a page of its own](bundle-schema.md), and so have the "
        "[reports of bench](bench-report.md).\n"
    ]
    for found in FORMATS:
        parts.append(f"## {found.title}\n\n{found.written_by}\n")
        for place, shape in found.parts.items():
            if place:
                parts.append(f"In {code(place)}:\n")
            parts.append(table(("entry", ""), [(code(key), said) for key, said in entries(shape)]))
    return Page("reference/json-formats.md", "JSON formats", "\n".join(parts))
