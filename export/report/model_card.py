"""The model card: ``README.md`` of a bundle, with the metadata block that Hugging Face reads.

Shape of the block: huggingface.co/docs/hub/model-cards (``model-index`` and its kin). What a person
reads follows Mitchell et al., Model Cards for Model Reporting, 2019: use, data, figures, limits.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from edge_runtime.bundle.trust import (
    TRUST_TITLE,
    SaliencyTrust,
    trust_findings,
    trust_note,
    trust_table,
)
from export.trained_run import TrainedRun

__all__ = ["CARD_FILE", "model_card"]

CARD_FILE = "README.md"
_MEASURED = {
    "accuracy": ("accuracy", "Accuracy"),
    "macro_sensitivity": ("recall", "Macro sensitivity (recall)"),
}
_TAGS = ("medical-imaging", "int8", "onnx", "tflite", "saliency", "edge")


def model_card(
    run: TrainedRun,
    record: Mapping[str, Any],
    provenance: Mapping[str, Any],
    *,
    intended_use: str,
    includes_images: bool,
) -> str:
    """Write the card; it names no path, no file of an image and no person.

    Args:
        run: classes, preprocessing, operating points and scores.
        record: of :func:`export.report.record.report_record`.
        provenance: as in the bundle.
        intended_use: the bundle's sentence.
        includes_images: whether training images are inside.
    """
    sections = [
        _metadata(run, record),
        f"# {_text(record['name'])}",
        f"> {_text(intended_use)} What it prints is no diagnosis.",
        *_model(run, record),
        *_data(record, provenance, includes_images),
        *_figures(run),
        *_checks(record),
        *_trust(record),
        *_limits(record, provenance),
    ]
    return "\n\n".join(sections) + "\n"


def _metadata(run: TrainedRun, record: Mapping[str, Any]) -> str:
    """YAML, every value as JSON, which YAML includes."""
    lines = [
        "license: unknown",
        "library_name: saliedge",
        "pipeline_tag: image-classification",
        f"tags: {json.dumps(_TAGS)}",
    ]
    found = _measured(run)
    if found:
        lines += [
            "model-index:",
            f"- name: {json.dumps(record['name'])}",
            "  results:",
            "  - task: {type: image-classification}",
            "    dataset: {name: validation part of the training data, type: private}",
            "    metrics:",
            *(
                f"    - {{type: {kind}, name: {json.dumps(title)}, value: {value:.6g}}}"
                for kind, title, value in found
            ),
        ]
    return "\n".join(["---", *lines, "---"])


def _model(run: TrainedRun, record: Mapping[str, Any]) -> list[str]:
    conditions, view = record["conditions"], run.preprocessing
    modes = sorted({name.rpartition(".")[0] for name in record["sizes"]["files"]})
    ranges = {"learned": "learned in training (PACT)"}.get(
        conditions["ranges"], conditions["ranges"]
    )
    region = "the whole frame" if view.roi is None else view.roi.description
    return [
        "## Model",
        _bullets(
            [
                f"{conditions['backbone']}, {view.width} x {view.height} pixels, RGB bytes, "
                f"fitted by {view.fit}, of {region}",
                f"classes, in the order of the logits: {', '.join(run.classes)}",
                f"integer graphs for ONNX Runtime and LiteRT: {', '.join(modes)}; ranges {ranges}",
                f"probabilities are softmax(logits / {run.temperature:.4g})",
            ]
        ),
    ]


def _data(
    record: Mapping[str, Any], provenance: Mapping[str, Any], includes_images: bool
) -> list[str]:
    images = provenance.get("images", {})
    lines = [
        "images: " + (", ".join(f"{part} {count}" for part, count in images.items()) or "unknown"),
        "of each class: "
        + ", ".join(
            f"{name} {count}" for name, count in provenance.get("class_counts", {}).items()
        ),
        f"groups that were kept together: {provenance.get('groups') or 'none named'}; groups need "
        "not be patients",
        f"ranges and agreement were checked on {record['images']['calibration']} training images "
        f"and {record['images']['golden']} synthetic ones",
    ]
    if provenance.get("synthetic"):
        lines.append("the training images are synthetic: this model shows that the tools work")
    held = "shows some of them (report.html)" if includes_images else "holds none of them"
    lines.append(f"this folder {held}")
    return ["## Data", _bullets(lines)]


def _figures(run: TrainedRun) -> list[str]:
    lines = [f"{title}: {value:.1%}" for _, title, value in _measured(run)]
    lines += [
        f"{point.label}: called from probability {point.threshold:.3f}; sensitivity "
        f"{point.sensitivity.value:.1%}, specificity {point.specificity.value:.1%} "
        f"({point.positives} of {point.positives + point.negatives} images)"
        for point in run.operating_points
    ]
    return [
        "## Figures",
        "Of the validation part, on which the epoch, the temperature and the operating points were "
        "chosen, so that they flatter; `saliedge evaluate` measures the test part, with intervals.",
        _bullets(lines or ["none were recorded"]),
    ]


def _checks(record: Mapping[str, Any]) -> list[str]:
    worst = {
        name.removesuffix(" logits"): detail["largest_steps"]
        for name, detail in record["details"].items()
        if name.endswith(" logits")
    }
    steps = ", ".join(f"{name} {count}" for name, count in worst.items())
    lines = [
        f"{len(record['gates']) - len(record['failed'])} of {len(record['gates'])} gates hold "
        "(gates.json, report.html)",
        f"largest distance of a logit from the exact reference, in quantisation steps: {steps}",
        *record["calibration"]["findings"],
    ]
    return ["## Checks of the export", _bullets(lines)]


def _trust(record: Mapping[str, Any]) -> list[str]:
    rows = [SaliencyTrust.from_json(row) for row in record["trust"]]
    if not rows:
        return []
    columns, lines = trust_table(rows)
    rule = ["---"] * 2 + ["---:"] * (len(columns) - 2)
    table = "\n".join(f"| {' | '.join(line)} |" for line in (columns, rule, *lines))
    told = [_text(f"On {rows[0].images} images. {trust_note(rows)}")]
    findings = trust_findings(rows)
    told += [_bullets(findings)] if findings else []
    return [f"## T{TRUST_TITLE[1:]}", table, *told]


def _limits(record: Mapping[str, Any], provenance: Mapping[str, Any]) -> list[str]:
    tools = ", ".join(f"{name} {version}" for name, version in provenance["tools"].items())
    missing = [f"no {mode} map: {why}" for mode, why in record["left_out"].items()]
    return [
        "## Limits",
        _bullets(
            [
                "it knows its classes only and calls one of them for any picture",
                "a saliency map shows what moved the score, not that the score is right",
                "other cameras, sites and patients than those of the training are untested unless "
                "somebody tested them",
                *missing,
            ]
        ),
        f"Made with {tools}; checkpoint {provenance['checkpoint_sha256'][:12] or 'none'}.",
    ]


def _measured(run: TrainedRun) -> list[tuple[str, str, float]]:
    scores = run.validation or {}
    return [
        (kind, title, float(scores[name]))
        for name, (kind, title) in _MEASURED.items()
        if isinstance(scores.get(name), int | float)
    ]


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items()) or "unknown"


def _bullets(lines: Sequence[str]) -> str:
    return "\n".join(f"- {_text(line)}" for line in lines)


def _text(line: str) -> str:
    """Plain text in Markdown: no class name turns into a tag or a link."""
    for mark in "\\`*_[]<>":
        line = line.replace(mark, f"\\{mark}")
    return " ".join(line.split())
