"""What a run of ``edge-infer`` shows on the terminal."""

from __future__ import annotations

import sys
import time

import click
import numpy as np
from numpy.typing import NDArray

from edge_runtime.classifier import Prediction
from edge_runtime.infer.options import InferOptions
from edge_runtime.infer.statistics import RunStatistics, RunSummary
from edge_runtime.messages import say
from edge_runtime.sinks.base import Sink
from edge_runtime.sources.base import SourceStatus
from edge_runtime.sources.feed import FrameFeed

__all__ = ["LiveLine", "print_summary"]

_LIVE_LINE_SECONDS = 0.2
_CLASSES = 5
_HINT = "Each prediction: --jsonl FILE (- for here); pictures with the map: --save-overlay DIR."


class LiveLine(Sink):
    """One line on a terminal, written over while the loop runs, and what becomes of a camera.

    Where standard error is no terminal, only the losses and returns of a camera are told.
    """

    def __init__(self, statistics: RunStatistics, feed: FrameFeed) -> None:
        self._statistics = statistics
        self._feed = feed
        self.shows_distance = self._enabled = sys.stderr.isatty()
        self._next = 0.0
        self._last: Prediction | None = None

    def write(self, prediction: Prediction, picture: NDArray[np.uint8] | None) -> None:
        """Show a prediction, a few times a second at most."""
        self._last = prediction
        now = time.monotonic()
        if self._enabled and now >= self._next:
            self._next = now + _LIVE_LINE_SECONDS
            self._draw(prediction)

    def source_changed(self, status: SourceStatus) -> None:
        """Say that the camera was lost, and that it is back."""
        if self._enabled and self._last is not None:
            click.echo(err=True)
        if status.state == "lost":
            say(f"Camera lost: {status.reason} Looking for it.", "warning")
        else:
            say(f"Camera back: {status.source}")

    def close(self, keep: bool) -> None:
        """Show the last prediction and leave the line."""
        if self._enabled and self._last is not None:
            self._draw(self._last)
            click.echo(err=True)
            self._last = None

    def _draw(self, prediction: Prediction) -> None:
        timings = prediction.timings_ms
        latency = timings["preprocess"] + timings["infer"]
        line = (
            f"{prediction.shown_text}  "
            f"{latency:.1f} ms  {self._statistics.fps:.1f} FPS  frame {self._statistics.frames}  "
            f"dropped {self._feed.dropped}  {prediction.frame.source}"
        )
        line = "".join(char if char.isprintable() else "?" for char in line)
        import shutil  # only a terminal needs it

        width = shutil.get_terminal_size().columns - 1
        click.echo(f"\r\x1b[2K{line[:width]}", nl=False, err=True)


def print_summary(summary: RunSummary, options: InferOptions) -> None:
    """Print the closing summary: on stdout, unless the JSON lines are there."""
    if summary.only is not None:
        # Percentiles and a rate of a single frame would be the same number again and again.
        lines = [_prediction(summary.only)]
        lines.append(f"latency (preprocess + infer): {summary.latency_ms['p50']:.2f} ms")
    else:
        lines = _figures(summary)
        if summary.frames and not options.shows_predictions:
            lines.insert(0, _HINT)
    lines.append(f"peak memory: {summary.peak_memory_mib:.0f} MiB")
    lines.append(f"frames dropped: {summary.dropped}")
    if summary.losses:
        lines.append(f"camera lost: {summary.losses} times")
    if summary.skipped:
        lines.append(f"unreadable files skipped: {summary.skipped}")
    for target in (options.jsonl, options.save_saliency, options.save_overlay):
        if target is not None and target != "-":
            lines.append(f"written: {target}")
    click.echo("\n".join(lines), err=options.jsonl == "-")


def _figures(summary: RunSummary) -> list[str]:
    """What is known of many frames, or of none."""
    lines = [f"{summary.frames} frames in {summary.seconds:.1f} s: {summary.fps:.1f} FPS"]
    if summary.latency_ms:
        lines.append(f"latency (preprocess + infer): {_percentiles(summary.latency_ms)}")
        lines.append(f"age of a frame at its prediction: {_percentiles(summary.age_ms)}")
        labels = ", ".join(f"{name} {count}" for name, count in summary.labels.items())
        lines.append(f"labels: {labels}")
    if summary.doubtful:
        reasons = ", ".join(f"{reason} {count}" for reason, count in summary.doubts.items())
        lines.append(f"not to be relied on: {summary.doubtful} of {summary.frames} ({reasons})")
    return lines


def _prediction(prediction: Prediction) -> str:
    """The classes of a frame, most probable first, and what the probabilities hide."""
    ranked = sorted(prediction.probabilities.items(), key=lambda item: -item[1])
    shares = ", ".join(f"{name} {100 * value:.1f} %" for name, value in ranked[:_CLASSES])
    assessment = prediction.assessment
    reasons = "" if assessment is None else ", ".join(assessment.doubts)
    warning = f" (not to be relied on: {reasons})" if reasons else ""
    return f"{prediction.frame.source}: {shares}{warning}"


def _percentiles(values: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.2f} ms" for name, value in values.items())
