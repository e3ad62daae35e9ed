"""What ``edge-infer`` does: open everything, run the loop, end in order."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from edge_runtime import sinks as outputs
from edge_runtime.assessment.assessor import Assessor
from edge_runtime.assessment.calm_label import CalmOptions
from edge_runtime.errors import OutputError, SourceError
from edge_runtime.files import refuse_existing
from edge_runtime.image_files import IMAGE_SUFFIXES
from edge_runtime.infer.console import LiveLine, print_summary
from edge_runtime.infer.input import open_input, reconnection
from edge_runtime.infer.loop import InferenceLoop
from edge_runtime.infer.model import load_options, of_store, open_model
from edge_runtime.infer.options import InferOptions
from edge_runtime.infer.page import open_page, open_view
from edge_runtime.infer.service import add_service_sinks
from edge_runtime.infer.statistics import RunStatistics
from edge_runtime.infer.stopping import StopSignals
from edge_runtime.sinks.json_lines import JsonLinesSink
from edge_runtime.sources import FrameFeed

if TYPE_CHECKING:
    from edge_runtime.classifier import FrameClassifier
    from edge_runtime.sinks.base import Sink
    from edge_runtime.sources.base import Source
    from edge_runtime.web import LiveView

__all__ = ["run_inference"]


def run_inference(options: InferOptions, started: Callable[[], None]) -> int:
    """Run the command and return its exit code.

    Args:
        options: What was asked for.
        started: Called when all is loaded and open, before the first frame.
    """
    _refuse_outputs(options)
    skipped: list[str] = []
    with ExitStack() as stack, StopSignals() as signals:
        view = open_view(options.page)
        shows_map = view.has_viewers if view is not None and options.maps_for_page_only else None
        classifier = stack.enter_context(open_model(options, shows_map))
        source = stack.enter_context(open_input(options, skipped))
        exchangeable = of_store(classifier)
        if exchangeable is not None:
            # The results over files belong together: they are one model's.
            exchangeable.follows &= source.live
        statistics = RunStatistics()
        feed = FrameFeed(
            source,
            signals.stopping,
            reconnection(options, source),
            options.stall_seconds,
            paced=options.paces_films,
        )
        sinks = _open_sinks(options, classifier, source, feed, view, signals.stopping)
        sinks.append(LiveLine(statistics, feed))
        calm = CalmOptions(options.calm_seconds, options.calm_margin)
        loop = InferenceLoop(
            feed=feed,
            classifier=classifier,
            sinks=sinks,
            statistics=statistics,
            # The summary of files counts what is not to be relied on, whatever else is shown.
            assessor=Assessor(calm, not source.live or any(sink.shows_distance for sink in sinks)),
            max_frames=options.max_frames,
        )
        started()
        try:
            loop.run()
        except SourceError:
            if statistics.frames:
                print_summary(statistics.summary(feed.dropped, len(skipped), feed.losses), options)
            raise
    print_summary(statistics.summary(feed.dropped, len(skipped), feed.losses), options)
    return signals.exit_code


def _refuse_outputs(options: InferOptions) -> None:
    """Find out before any work that an output may not be written where it should go."""
    for target in (options.jsonl, options.save_saliency, options.save_overlay):
        if target is not None and target != "-":
            if target != options.jsonl or options.outputs.jsonl_max_bytes is None:
                refuse_existing(target, options.force)
            if options.source is not None:
                _refuse_among_inputs(Path(target), Path(options.source))


def _refuse_among_inputs(target: Path, source: Path) -> None:
    """No option, not even ``--force``, may write over the images that are read.

    Raises:
        OutputError: ``target`` is the source, a folder that holds it, or an image's or a folder's
            name inside it.
    """
    if not source.exists():
        return
    output, inputs = target.resolve(), source.resolve()
    is_folder_or_image = output.suffix == "" or output.suffix.lower() in IMAGE_SUFFIXES
    inside = is_folder_or_image and inputs in output.parents
    if output == inputs or output in inputs.parents or inside:
        raise OutputError(
            f"{target} would write among the images of {source}; choose a place outside."
        )


def _open_sinks(
    options: InferOptions,
    classifier: FrameClassifier,
    source: Source,
    feed: FrameFeed,
    view: LiveView | None,
    stopping: threading.Event,
) -> list[Sink]:
    sinks: list[Sink] = []
    try:
        if options.save_saliency is not None:
            sinks.append(
                outputs.SaliencyFolderSink(
                    Path(options.save_saliency),
                    load_options(options).mode_for(classifier.bundle),
                    classifier.bundle.sha256,
                    options.force,
                )
            )
        if options.save_overlay is not None:
            sinks.append(outputs.open_overlay_sink(options.save_overlay, source.fps, options.force))
        if options.show:
            sinks.append(_open_window(classifier, source, stopping))
        for specification in options.outputs.sink:
            sinks.append(outputs.open_sink(specification, options.force))
        # Last, so that a line stands only for a frame whose files are written.
        if options.jsonl is not None:
            sinks.append(_open_json_lines(options, options.jsonl))
        if view is not None:
            sinks.append(open_page(options.page, view, classifier, feed))
        add_service_sinks(sinks, options.outputs, classifier, lambda: feed.dropped)
    except BaseException:
        for sink in sinks:
            sink.close(keep=False)
        raise
    return sinks


def _open_window(classifier: FrameClassifier, source: Source, stopping: threading.Event) -> Sink:
    from edge_runtime.window.sink import WindowSink

    title = f"saliedge: {classifier.bundle.spec.name}, {source.name}"
    return WindowSink(title, not source.live, stopping)


def _open_json_lines(options: InferOptions, target: str) -> Sink:
    most, kept = options.outputs.jsonl_max_bytes, options.outputs.jsonl_keep
    if most is None:
        return JsonLinesSink(target, options.force)
    return outputs.RotatingJsonLinesSink(Path(target), most, kept)
