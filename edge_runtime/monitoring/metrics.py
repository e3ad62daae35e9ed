"""The state of a run as Prometheus metrics (text exposition format 0.0.4)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import accumulate

from edge_runtime import __version__
from edge_runtime.monitoring.progress import LATENCY_BUCKETS, ProgressSnapshot
from edge_runtime.quick_dataclass import dataclass

__all__ = ["CONTENT_TYPE", "exposition"]

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_ESCAPES = {"\\": r"\\", "\n": r"\n", '"': r"\""}


@dataclass(frozen=True)
class _Family:
    """A metric with its samples: suffix of the name and labels -> value."""

    name: str
    kind: str
    help: str
    samples: list[tuple[str, Mapping[str, str], float]]


def exposition(state: ProgressSnapshot, temperature: float | None) -> str:
    """Return the page that Prometheus reads.

    Args:
        state: The run.
        temperature: Of the board, degrees Celsius, or None.
    """
    lines = []
    for family in (*_counts(state), *_present(state, temperature), *_model(state), _latency(state)):
        if not family.samples:
            continue
        name = f"saliedge_{family.name}"
        lines.append(f"# HELP {name} {family.help}")
        lines.append(f"# TYPE {name} {family.kind}")
        lines += [f"{name}{end}{_labels(of)} {value:.10g}" for end, of, value in family.samples]
    return "\n".join(lines) + "\n"


def _counts(state: ProgressSnapshot) -> Iterator[_Family]:
    yield _one("frames_total", "counter", "Frames that were classified.", state.frames)
    dropped = "Frames of a camera that were never taken."
    yield _one("frames_dropped_total", "counter", dropped, state.dropped)
    uncertain = "Frames whose probability lay below the operating point."
    yield _one("frames_uncertain_total", "counter", uncertain, state.uncertain)
    unfamiliar = "Frames far from the training images."
    yield _one("frames_unfamiliar_total", "counter", unfamiliar, state.unfamiliar)
    yield _many("labels_total", "counter", "Frames by top class.", "label", state.labels)
    stages = "Time spent in each stage."
    yield _many("stage_seconds_total", "counter", stages, "stage", state.stage_seconds)
    lost = "How often the camera was lost."
    yield _one("camera_losses_total", "counter", lost, state.camera_losses)


def _present(state: ProgressSnapshot, temperature: float | None) -> Iterator[_Family]:
    yield _one("camera_up", "gauge", "0 while the camera is lost.", state.camera_up)
    age = "Age of the last frame at its prediction."
    yield _one("frame_age_seconds", "gauge", age, state.frame_age_seconds)
    since = "Time since the last frame was classified."
    yield _one("last_frame_seconds", "gauge", since, state.since_last_seconds)
    yield _one("temperature_celsius", "gauge", "Hottest sensor of the board.", temperature)


def _model(state: ProgressSnapshot) -> Iterator[_Family]:
    if state.model is None:
        return
    labels = {
        "name": state.model.name,
        "sha256": state.model.sha256,
        "engine": state.model.engine,
        "version": __version__,
    }
    text = "What makes the predictions; version is that of saliedge."
    yield _Family("model_info", "gauge", text, [("", labels, 1)])
    trial = "1 while the model has still to prove itself."
    yield _one("model_on_trial", "gauge", trial, state.on_trial)


def _latency(state: ProgressSnapshot) -> _Family:
    ends = [f"{end:g}" for end in LATENCY_BUCKETS] + ["+Inf"]
    samples: list[tuple[str, Mapping[str, str], float]] = [
        ("_bucket", {"le": end}, count)
        for end, count in zip(ends, accumulate(state.latency_counts), strict=True)
    ]
    samples += [("_sum", {}, state.latency_seconds), ("_count", {}, state.frames)]
    text = "From a frame in hand to its prediction."
    return _Family("latency_seconds", "histogram", text, samples)


def _one(name: str, kind: str, text: str, value: float | None) -> _Family:
    return _Family(name, kind, text, [] if value is None else [("", {}, value)])


def _many(name: str, kind: str, text: str, label: str, values: Mapping[str, float]) -> _Family:
    return _Family(name, kind, text, [("", {label: key}, values[key]) for key in sorted(values)])


def _labels(labels: Mapping[str, str]) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items()) + "}"


def _escaped(value: str) -> str:
    text = re.sub(r'[\\\n"]', lambda found: _ESCAPES[found[0]], value)
    return text.encode("utf-8", "replace").decode("utf-8")
