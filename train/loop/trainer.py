"""One run from its configuration to its best checkpoint, resumable after every epoch."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext

import torch

from edge_runtime.errors import ArtifactError, DataError, DependencyError
from train.backbones import BACKBONES, backbone_named, try_backbone
from train.config import TrainConfig
from train.data.sources import recorded_source
from train.loop.float_phase import run_float_phase
from train.loop.quantized_phase import run_quantized_phase
from train.loop.session import Session
from train.loop.start import start_from_run
from train.parallel import ONE_PROCESS, Processes
from train.preparation import PreparedData, prepare
from train.run.directory import RunDirectory
from train.run.log import RunLog
from train.run.progress import Reporter
from train.run.resume_state import Best, ResumeState, read_state
from train.run.sinks import open_sinks
from train.sinks import RunSink, tracking_store
from train.torch_settings import autocast_dtype, torch_settings

__all__ = ["resume", "train"]


def train(
    config: TrainConfig,
    run: RunDirectory,
    reporter: Reporter,
    *,
    force: bool = False,
    announce: bool = True,
    processes: Processes = ONE_PROCESS,
    followers: Sequence[RunSink] = (),
) -> Best | None:
    """Train a new run.

    Args:
        config: resolved.
        run: where it goes; nothing is written there before the data is known to be usable.
        reporter: told how it goes.
        force: replace a run that is there.
        announce: say what is trained and how to go on with it.
        processes: those that train it together; all call this and see the folder.
        followers: told of every epoch before its state is kept, begun already. What one raises ends
            the run, which can be gone on with.

    Returns:
        The best epoch of the second phase.

    Raises:
        DataError: the data cannot be trained on, or are not those of the run to start from.
        UsageError: the backbone fails, or does not give a logit for each class; or an operation
            has no deterministic form where that was asked for.
        ArtifactError: there is no such run to start from; or the backbone holds an operation that
            cannot be quantised; or a process does not see the folder.
        OutputError: the folder is in use or cannot be written.
        GateError: the training diverged.
    """
    if processes.is_first:
        run.check_free(force)
    device = _device(config, processes)
    tracking_store(config.run.mlflow)
    data = _prepare(config, reporter, processes)
    _try_backbone(config, len(data.classes))
    if processes.is_first:
        run.begin(config, data.split, force)
    processes.wait()
    if not run.config.is_file():
        raise ArtifactError(
            f"process {processes.rank} does not see {run.path}; put the run in a folder that all "
            "machines share."
        )
    if announce:
        _announce(config, run, data, device, reporter)
    with torch_settings(config.run.threads, deterministic=config.run.deterministic):
        return _run(config, run, data, device, reporter, None, processes, followers)


def resume(
    run: RunDirectory,
    reporter: Reporter,
    processes: Processes = ONE_PROCESS,
    followers: Sequence[RunSink] = (),
) -> Best | None:
    """Go on with a run after its last finished epoch.

    On a CPU the final weights are the same to the bit as without the interruption, if as many
    processes go on as before; sums over another number of parts round differently.

    Raises:
        ArtifactError: there is no run, or its state is damaged.
        DataError: its images are not there any more, or are not the same.
    """
    config = run.read_config()
    if processes.is_first:
        run.remove_leftovers()
    state = read_state(run.path)
    if state is not None and state.finished:
        reporter.message(f"{run.path} is finished already.")
        return state.best
    recorded_source(
        config.data.source,
        run.path,
        "put them back, or go on from the folder where the training was begun",
    )
    device = _device(config, processes)
    data = _prepare(config, reporter, processes)
    if data.split.csv_text.encode() != run.split.read_bytes():
        raise DataError(
            f"the images of {config.data.source} are not those that {run.path} was begun with; "
            "restore them or start another run."
        )
    if state is not None and state.images_sha256 != data.images_sha256:
        raise DataError(
            f"images of {config.data.source} have changed since {run.path} was begun; restore "
            "them or start another run."
        )
    done = state.epochs_done if state else 0
    reporter.message(f"going on with {run.path} after {done} epochs.")
    threads = state.threads if state else config.run.threads
    with torch_settings(threads, deterministic=config.run.deterministic):
        return _run(config, run, data, device, reporter, state, processes, followers)


def _run(
    config: TrainConfig,
    run: RunDirectory,
    data: PreparedData,
    device: torch.device,
    reporter: Reporter,
    state: ResumeState | None,
    processes: Processes,
    followers: Sequence[RunSink],
) -> Best | None:
    epochs_done = state.epochs_done if state else 0
    sinks: tuple[RunSink, ...] = ()
    if processes.is_first:
        sinks = (*open_sinks(config, run, epochs_done, reporter.message), *followers)
    log = RunLog(run, epochs_done, sinks) if processes.is_first else None
    finished = False
    try:
        session = Session(config, run, data, device, log, reporter, processes)
        if state is None or state.phase == "float":
            if config.network.start:
                start_from_run(session)
            else:
                run_float_phase(session, state)
            state = None
        run_quantized_phase(session, state)
        finished = True
    finally:
        for sink in sinks:
            sink.close(finished=finished)
    final = read_state(run.path)
    return final.best if final else None


def _try_backbone(config: TrainConfig, classes: int) -> None:
    """Find out now, and not after the warm-up, whether an unknown network can be used."""
    network = config.network
    if network.backbone not in BACKBONES and not network.start:
        try_backbone(
            backbone_named(network.backbone),
            classes,
            height=network.height,
            width=network.width,
            multiplier=network.width_multiplier,
        )


def _announce(
    config: TrainConfig,
    run: RunDirectory,
    data: PreparedData,
    device: torch.device,
    reporter: Reporter,
) -> None:
    counts = data.counts()
    classes = ", ".join(f"{name} {count}" for name, count in data.dataset.counts().items())
    reporter.message(
        f"{len(data.dataset.samples)} images: {classes}; {counts['train']} train, "
        f"{counts['val']} val, {counts['test']} test"
        + ("." if data.dataset.has_groups else " (no groups: every image counts as its own).")
    )
    narrow = autocast_dtype(config.run.precision, device)
    warm_up = f" (warm-up in {str(narrow).removeprefix('torch.')})" if narrow else ""
    reporter.message(
        f"{config.network.backbone}, {config.network.width}x{config.network.height} pixels, "
        f"on {device}{warm_up}; if interrupted, go on with: {run.resume_command}"
    )


def _prepare(config: TrainConfig, reporter: Reporter, processes: Processes) -> PreparedData:
    """Of several processes on a machine one fills the cache, and the others map it into memory."""
    with processes.first_on_machine() if config.data.cache else nullcontext():
        return prepare(config, reporter)


def _device(config: TrainConfig, processes: Processes) -> torch.device:
    wanted = config.run.device
    if wanted == "cuda" and not torch.cuda.is_available():
        raise DependencyError("torch finds no CUDA device here; train with --device cpu.")
    if wanted == "auto":
        wanted = "cuda" if torch.cuda.is_available() else "cpu"
    return processes.device(wanted)
