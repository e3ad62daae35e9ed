"""The command ``saliedge inspect``: what is in a bundle, in words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from edge_runtime.bundle.trust import TRUST_TITLE, trust_findings, trust_note, trust_table
from edge_runtime.command_settings import SETTINGS
from edge_runtime.reporting.text_table import text_table

if TYPE_CHECKING:
    from edge_runtime.bundle.reader import Bundle
    from edge_runtime.bundle.records import FeatureStatistics

__all__ = ["inspect"]

_SHARES = ("accuracy", "macro_sensitivity")


@click.command(
    "inspect",
    context_settings=SETTINGS,
    epilog="\b\nExamples:\n  saliedge inspect first.edge\n  saliedge inspect first.edge --all\n"
    "  saliedge inspect first.edge --json",
)
@click.argument("bundle")
@click.option("--all", "in_full", is_flag=True, help="Also every range and gate, and provenance.")
@click.option("--json", "as_json", is_flag=True, help="Print bundle.json with its own hash.")
def inspect(bundle: str, in_full: bool, as_json: bool) -> None:
    """Show what BUNDLE holds: classes, graphs, operating points, metrics and trust in its maps.

    Files are not hashed; `saliedge verify` does that.
    """
    from edge_runtime.bundle.reader import open_bundle

    opened = open_bundle(bundle)
    if as_json:
        record = {"bundle_sha256": opened.sha256, **opened.spec.to_json()}
        click.echo(json.dumps(record, indent=1))
        return
    sections = [
        _head(opened),
        _graphs(opened),
        _operating_points(opened),
        _trust(opened),
        _named("metrics", opened.spec.metrics),
    ]
    details = {
        "ranges": _quantization(opened),
        "gates": _gates(opened),
        "provenance": _named("provenance", opened.spec.provenance),
    }
    hidden = ", ".join(name for name, section in details.items() if section)
    if in_full:
        sections += details.values()
    elif hidden:
        sections.append(f"Not shown: {hidden}; see them with --all.")
    sections.append(
        "Read from the record; whether the files are as exported, saliedge verify tells."
    )
    click.echo("\n\n".join(section for section in sections if section))


def _head(bundle: Bundle) -> str:
    spec = bundle.spec
    geometry = spec.preprocessing
    total = sum(record.bytes for record in spec.files.values())
    head = [
        ("name", spec.name),
        ("bundle_sha256", bundle.sha256),
        ("classes", ", ".join(spec.classes)),
        ("input", f"{geometry.height} x {geometry.width} RGB bytes, fit: {geometry.fit}"),
        ("region of the frame", "all" if geometry.roi is None else geometry.roi.description),
        ("temperature", f"{spec.temperature:g}"),
        ("size", f"{len(spec.files)} files, {_size(total)}"),
        ("intended use", spec.intended_use),
        ("holds patients' pictures", "yes" if spec.includes_images else "no"),
    ]
    if spec.features is not None:
        head.append(
            (
                "feature statistics",
                f"{spec.features.size} features of {spec.features.count} images"
                f"{_beyond(spec.features)}",
            )
        )
    if spec.quantization:
        bits = " and ".join(str(width) for width in sorted({one.bits for one in spec.quantization}))
        head.append(("activations", f"{len(spec.quantization)} sites of {bits} bit"))
    if spec.gates:
        passed = sum(gate.passed for gate in spec.gates)
        head.append(("gates", f"{passed} of {len(spec.gates)} passed"))
    return _pairs(head)


def _graphs(bundle: Bundle) -> str:
    spec = bundle.spec
    return text_table(
        ("graph", "format", "precision", "saliency map", "size"),
        [
            (
                graph.name,
                graph.format,
                graph.precision,
                "none"
                if graph.saliency == "none"
                else f"{graph.saliency} {'x'.join(map(str, graph.output('saliency').shape[1:]))}",
                _size(spec.files[graph.file].bytes),
            )
            for graph in spec.graphs
        ],
    )


def _beyond(features: FeatureStatistics) -> str:
    if features.threshold is None or features.false_alarm_rate is None:
        return ""
    rate = f"{features.false_alarm_rate:.1%}"
    return f", unlike them beyond {features.threshold:.2f} ({rate} false alarms)"


def _operating_points(bundle: Bundle) -> str:
    points = bundle.spec.operating_points
    if not points:
        return ""
    return "operating points, chosen and measured on the validation images\n" + text_table(
        ("class", "called from", "wanted", "sensitivity (95 %)", "specificity (95 %)", "images"),
        [
            (
                point.label,
                f"p >= {point.threshold:.4f}",
                f"{point.wanted_sensitivity:.0%}",
                f"{point.sensitivity:.1%}",
                f"{point.specificity:.1%}",
                f"{point.positives} of {point.positives + point.negatives}",
            )
            for point in points
        ],
    )


def _quantization(bundle: Bundle) -> str:
    sites = bundle.spec.quantization
    if not sites:
        return ""
    return text_table(
        ("activation site", "bits", "signed", "alpha", "scale"),
        [
            (
                site.site,
                str(site.bits),
                "yes" if site.signed else "no",
                f"{site.alpha:.4g}",
                f"{site.scale:.4g}",
            )
            for site in sites
        ],
    )


def _gates(bundle: Bundle) -> str:
    gates = bundle.spec.gates
    if not gates:
        return ""
    return text_table(
        ("gate", "value", "limit", "result"),
        [
            (
                gate.name,
                f"{gate.value:.6g}",
                f"{gate.comparison} {gate.threshold:.6g}",
                "passed" if gate.passed else "FAILED",
            )
            for gate in gates
        ],
    )


def _trust(bundle: Bundle) -> str:
    rows = bundle.spec.saliency_trust
    if not rows:
        return ""
    told = [TRUST_TITLE, text_table(*trust_table(rows)), trust_note(rows), *trust_findings(rows)]
    return "\n".join(told)


def _named(title: str, values: Mapping[str, Any]) -> str:
    if not values:
        return ""
    return f"{title}\n" + _pairs(
        [(f"  {name}", value) for name, value in _flat(values)],
    )


def _flat(values: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Return nested values as dotted names."""
    flat: list[tuple[str, str]] = []
    for name, value in values.items():
        if isinstance(value, Mapping):
            flat += _flat(value, f"{prefix}{name}.")
        else:
            is_share = isinstance(value, float) and name in _SHARES
            flat.append((f"{prefix}{name}", f"{value:.1%}" if is_share else _shown(value)))
    return flat


def _shown(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    return value if isinstance(value, str) else json.dumps(value)


def _pairs(rows: list[tuple[str, str]]) -> str:
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"{name.ljust(width)}  {value}" for name, value in rows)


def _size(size: int) -> str:
    return f"{size / 1e6:.2f} MB" if size >= 100_000 else f"{size / 1e3:.1f} kB"
