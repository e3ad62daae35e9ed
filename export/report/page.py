"""The export's report as one HTML page: a verdict, then pictures, then tables.

It is made from the record alone, and from the pictures whose maps it shows, so that a page can tell
nothing that the record does not.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from typing import Any

from edge_runtime.bundle.trust import (
    TRUST_TITLE,
    SaliencyTrust,
    trust_findings,
    trust_note,
    trust_table,
)
from edge_runtime.reporting.charts import ACCENT, WARM, Mark, Series, bar, columns, histogram, lines
from edge_runtime.reporting.page import data_uri, html_list, html_page, html_table
from export.report.examples import SaliencyExample

__all__ = ["report_page"]

Record = dict[str, Any]
_STYLE = (
    ".verdict{padding:.8em 1em;border-left:8px solid;border-radius:4px;font-size:17px}"
    ".passed{background:#e9f5ec;border-color:#1e7d3c}.failed{background:#fbeae7;border-color:#b3261e}"
    ".conditions{color:#555;font-size:13px}.pictures{display:grid;gap:1em;"
    "grid-template-columns:repeat(auto-fit,minmax(300px,1fr))}figure{margin:0}"
    "figcaption{font-size:13px;color:#555}.trio{display:grid;grid-template-columns:repeat(3,1fr);"
    "gap:3px}.trio img{width:100%}"
    "tr.marked td{background:#fdf1e7}th,td{white-space:nowrap}.verdict ul{margin:.3em 0}"
    ".chart{overflow-x:auto}.chart svg{min-width:620px;width:100%}"
)
_ENGINES = {"onnx": "ONNX Runtime", "litert": "LiteRT", "tflite-runtime": "tflite-runtime"}
_DETAILED = 3


def report_page(record: Record, examples: Sequence[SaliencyExample] = ()) -> str:
    """Draw the page.

    Args:
        record: of :func:`export.report.record.report_record`.
        examples: pictures with their maps; the page shows them, so choose what may be seen.
    """
    parts = [_verdict(record), _conditions(record), _findings(record)]
    if examples:
        parts.append(_saliency(examples))
    parts += [
        _trust(record),
        _parity(record),
        _noise(record),
        _ranges_drawn(record),
        _layers(record),
    ]
    parts += [_files(record), _gates(record), _ranges(record)]
    return html_page(f"{record['name']}: export report", "\n".join(parts), _STYLE)


def _verdict(record: Record) -> str:
    failed, count = record["failed"], len(record["gates"])
    images = sum(record["images"].values())
    if not failed:
        engines = " and ".join(_ENGINES[name] for name in _engines(record))
        worst = max(_logits(record, name)["largest_steps"] for name in _engines(record))
        return (
            f'<p class="verdict passed"><b>Passed: all {count} checks hold.</b> On {images} images '
            f"{escape(engines)} gave the trained network's logits within {worst} quantisation "
            f"step{'' if worst == 1 else 's'}, computed in integers, with every "
            f"{_kind(record)} range in both files.</p>"
        )
    reasons = [
        f"{gate['name']} is {gate['value']:.4g}, must be {gate['comparison']} {gate['threshold']:g}"
        for gate in record["gates"]
        if not gate["passed"]
    ]
    return (
        f'<div class="verdict failed"><b>Failed: {len(failed)} of {count} checks. No bundle was '
        f"written.</b>{html_list(reasons)}</div>"
    )


def _kind(record: Record) -> str:
    """Where the ranges come from, in one word."""
    return "learned" if record["conditions"]["ranges"] == "learned" else "post-training"


def _conditions(record: Record) -> str:
    conditions = record["conditions"]
    tools = ", ".join(f"{name} {version}" for name, version in record["tools"].items())
    counts = ", ".join(
        f"{name} {count}" for name, count in conditions["calibration_classes"].items()
    )
    data = "synthetic images" if conditions["synthetic"] else "images of the training part"
    return (
        f'<p class="conditions">{escape(conditions["backbone"])}, {conditions["width"]} x '
        f"{conditions['height']} pixels, {len(conditions['classes'])} classes; "
        f"{escape(conditions['ranges'])} ranges. Measured on {record['images']['calibration']} "
        f"{data} ({escape(counts)}; draw {conditions['seed']}) and {record['images']['golden']} "
        f"synthetic ones. {escape(record['machine'])}: {escape(tools)}. Checkpoint "
        f"{conditions['checkpoint_sha256'][:12]}. No time was measured.</p>"
    )


def _findings(record: Record) -> str:
    findings = [*record["calibration"]["findings"]]
    findings += trust_findings([SaliencyTrust.from_json(row) for row in record["trust"]])
    findings += [f"There is no {mode} graph: {why}" for mode, why in record["left_out"].items()]
    if not findings:
        return "<p>Nothing about ranges and maps stands out on these images.</p>"
    return f"<h2>To look at</h2>{html_list(findings)}"


def _saliency(examples: Sequence[SaliencyExample]) -> str:
    figures = []
    for example in examples:
        images = "".join(
            f'<img alt="{alt}" src="{data_uri(picture)}">'
            for alt, picture in (
                ("picture", example.picture),
                ("float map", example.float_overlay),
                ("INT8 map", example.int8_overlay),
            )
        )
        trained, exact = map(_agreement, (example.with_trained, example.with_float))
        figures.append(
            f'<figure><div class="trio">{images}</div><figcaption>{escape(example.title)}; '
            f"explains {escape(example.label)}; INT8 with trained {trained}, with float {exact}"
            "</figcaption></figure>"
        )
    return (
        "<h2>Saliency: picture, float, INT8</h2><p>What moved the score of the class, in the "
        "folded float network and in the INT8 graph; each map is smoothed and coloured by its own "
        "percentiles. It is no proof that the class is right. The rank correlations are those of "
        "the raw maps: the checks ask for agreement with the trained, fake-quantised network; from "
        "the float one, quantised training has moved away.</p>"
        f'<div class="pictures">{"".join(figures)}</div>'
    )


def _agreement(correlation: float) -> str:
    return "flat" if math.isnan(correlation) else f"{correlation:.2f}"


def _trust(record: Record) -> str:
    rows = [SaliencyTrust.from_json(row) for row in record["trust"]]
    if not rows:
        return ""
    return (
        f"<h2>T{TRUST_TITLE[1:]}</h2><p>On {rows[0].images} images. {trust_note(rows)}</p>"
        + html_table(*trust_table(rows))
    )


def _parity(record: Record) -> str:
    figures = []
    for name in (*_engines(record), "torch"):
        detail = _logits(record, name)
        steps = {int(step): count for step, count in detail["histogram_steps"].items()}
        reach = min(8, max(3, *(abs(step) for step in steps)))
        shown = [(str(step), float(steps.get(step, 0))) for step in range(-reach, reach + 1)]
        beyond = sum(count for step, count in steps.items() if abs(step) > reach)
        title = _ENGINES.get(name, "torch, fake-quantised")
        more = f"; {beyond} values further off" if beyond else ""
        figures.append(
            f"<figure>{columns(shown)}<figcaption>{escape(title)}: logits by their distance from "
            f"the exact reference, in steps; same class on {detail['same_top']:.1%}, probability "
            f"off by at most {detail['largest_probability']:.3f}{more}</figcaption></figure>"
        )
    return (
        "<h2>Parity: the same integers everywhere</h2>"
        f'<div class="pictures">{"".join(figures)}</div>'
    )


def _noise(record: Record) -> str:
    calibration = record["calibration"]
    layers = calibration["layers"]
    chart = lines(
        [layer["tensor"] for layer in layers],
        [
            Series("each layer alone", [layer["own_sqnr_db"] for layer in layers], ACCENT),
            Series("with all before it", [layer["sqnr_db"] for layer in layers], "#999999"),
        ],
        "dB",
        calibration["worst_layers"],
    )
    return (
        "<h2>Noise by layer</h2><p>Signal of the float network over what integers add, from the "
        f"image to the logits, on {calibration['noise_images']} images; 6 dB are one bit. The "
        "three layers that add most are named.</p>"
        f'<div class="chart">{chart}</div>'
    )


def _ranges_drawn(record: Record) -> str:
    by_name = {layer["tensor"]: layer for layer in record["calibration"]["layers"]}
    ranges = {entry["node"]: entry for entry in record["ranges"]}
    figures = []
    for name in record["calibration"]["worst_layers"][:_DETAILED]:
        entry = ranges.get(name)
        if entry is None:
            continue
        layer = by_name[name]
        picture = histogram(
            layer["histogram"], *_reach(entry), _marks(entry), width=340, height=150
        )
        figures.append(
            f"<figure>{picture}<figcaption>{escape(name)}: {layer['beyond']:.2%} of its values lie "
            f"beyond alpha; clipping makes {layer['clipped_noise']:.0%} of its own noise"
            "</figcaption></figure>"
        )
    if not figures:
        return ""
    return (
        "<h2>Activations and their range</h2><p>Values of the float network where integers "
        "add most noise (square-root scale); what lies beyond alpha is clipped. All layers are in "
        f'the table below.</p><div class="pictures">{"".join(figures)}</div>'
    )


def _layers(record: Record) -> str:
    sites = {site["site"]: site for site in record["calibration"]["sites"]}
    sizes = {entry["layer"]: entry for entry in record["sizes"]["layers"]}
    noise = {layer["tensor"]: layer for layer in record["calibration"]["layers"]}
    largest = max(entry["bytes"] for entry in sizes.values())
    rows: list[tuple[str, ...]] = []
    marked: list[int] = []
    for entry in record["ranges"]:
        node = entry["node"]
        site, layer, size = sites[entry["site"]], noise.get(node), sizes.get(node)
        if node in record["calibration"]["worst_layers"]:
            marked.append(len(rows))
        weights = (
            "" if size is None else f"{bar(size['bytes'] / largest)} {size['bytes'] / 1e3:.1f}"
        )
        spark = ""
        if layer is not None:
            spark = histogram(
                layer["histogram"], *_reach(entry), _marks(entry),
                width=90, height=22, labelled=False,
            )  # fmt: skip
        rows.append(
            (
                escape(node),
                f"{'-' if size is None else size['bits']} / {entry['bits']}",
                weights,
                spark,
                f"{site['clipped']:.2%}",
                f"{site['dead_channels']:.0%}",
                _decibels(layer, "own_sqnr_db"),
                _decibels(layer, "sqnr_db"),
                "" if site["drift"] is None else f"{site['drift']:.3f}",
            )
        )
    head = (
        "layer", "bits w / a", "weights, kB", "activations, alpha", "clipped", "dead channels",
        "own dB", "whole dB", "drift",
    )  # fmt: skip
    return (
        "<h2>Layer by layer</h2><p>Clipped: share of the values at alpha or beyond in the "
        "quantised network, on all images; the pictures above give that of the float network, on "
        "the images of the noise. "
        "Own dB: signal over the noise of the layer alone, whole dB: with all layers before it. "
        "Drift: distance to the distribution in training, in its standard deviations.</p>"
        + html_table(head, rows, 1, marked=marked, is_html=True)
    )


def _files(record: Record) -> str:
    sizes = record["sizes"]["files"]
    rows = [(name, f"{size / 1e3:.1f}") for name, size in sizes.items()]
    return "<h2>Graph files</h2>" + html_table(("file", "kB"), rows, 1)


def _gates(record: Record) -> str:
    rows: list[tuple[str, ...]] = []
    marked: list[int] = []
    for gate in record["gates"]:
        if not gate["passed"]:
            marked.append(len(rows))
        rows.append(
            (
                gate["name"],
                f"{gate['value']:.6g}",
                f"{gate['comparison']} {gate['threshold']:.6g}",
                "passed" if gate["passed"] else "FAILED",
            )
        )
    head = ("check", "value", "limit", "result")
    return "<h2>Checks</h2>" + html_table(head, rows, 1, marked=marked)


def _ranges(record: Record) -> str:
    """Every range as a parser of its own read it back out of both files."""
    rows: list[tuple[str, ...]] = []
    marked: list[int] = []
    for entry in record["ranges"]:
        exact = [entry[name] is not None and entry[name]["exact"] for name in ("onnx", "tflite")]
        if not all(exact):
            marked.append(len(rows))
        rows.append(
            (
                entry["site"],
                entry["node"],
                "signed" if entry["signed"] else "",
                str(entry["bits"]),
                f"{entry['alpha']:.6g}",
                f"{entry['scale']:.9g}",
                *_stored(entry["onnx"]),
                *_stored(entry["tflite"]),
                "yes" if all(exact) else "NO",
            )
        )
    head = (
        "site", "node", "sign", "bits", "alpha", "scale", "ONNX tensor", "zero", "TFLite tensor",
        "zero", "both exact",
    )  # fmt: skip
    return (
        f"<h2>Ranges ({_kind(record)}), read back from both files</h2>"
        "<p>To the last bit of float32, by a parser that shares no code with the writer.</p>"
        + html_table(head, rows, 3, marked=marked)
    )


def _stored(found: Record | None) -> tuple[str, str]:
    return ("absent", "") if found is None else (found["tensor"], str(found["zero_point"]))


def _engines(record: Record) -> list[str]:
    return [name for name in _ENGINES if f"{name} logits" in record["details"]]


def _logits(record: Record, name: str) -> Record:
    found: Record = record["details"][f"{name} logits"]
    return found


def _reach(entry: Record) -> tuple[float, float]:
    """Ends of a layer's histogram, see :class:`export.checks.layer_noise.LayerNoise`."""
    alpha = entry["alpha"]
    return (-2 * alpha if entry["signed"] else 0.0, 2 * alpha)


def _marks(entry: Record) -> list[Mark]:
    alpha = entry["alpha"]
    upper = Mark(alpha, f"alpha {alpha:.3g}", WARM)
    return [Mark(-alpha, "", WARM), upper] if entry["signed"] else [upper]


def _decibels(layer: Record | None, key: str) -> str:
    return "" if layer is None or layer[key] is None else f"{layer[key]:.1f}"
