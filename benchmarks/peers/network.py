"""All contestants on one network: their files, what they get right, latencies, instructions."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from benchmarks.absent import Absent
from benchmarks.peers.contestants import CONTESTANTS, OURS, prepare
from benchmarks.peers.instructions import count_instructions
from benchmarks.peers.pairs import Entrant, Process, time_pairs
from benchmarks.peers.process import save_images
from benchmarks.peers.report import NetworkResult
from edge_runtime.bundle import Bundle, open_bundle, open_reference, reference_path
from edge_runtime.errors import ArtifactError, SaliedgeError
from export.calibration_images import load_training_images
from export.exporter import ExportOptions, export_run
from export.trained_run import TrainedRun, read_trained_run
from train.data import Sample, load_images, open_dataset
from train.data.cache import read_frame
from train.data.split import read_split
from train.run.progress import plain_reporter

__all__ = ["PeersOptions", "compare_network"]


@dataclass(frozen=True)
class PeersOptions:
    """How much is measured.

    Attributes:
        threads: Numbers of threads.
        rounds: Pairs for each number of threads.
        renewed_after: Rounds after which processes are replaced by fresh ones.
        bursts: Turns of each contestant in a round.
        frames: Images of a turn.
        samples: Calibration images of the peers; the first of those of the export.
        instructions: Count instructions, too.
        pythons: Environment to its Python.
    """

    threads: tuple[int, ...] = (1, 2)
    rounds: int = 30
    renewed_after: int = 1
    bursts: int = 4
    frames: int = 15
    samples: int = 64
    instructions: bool = False
    pythons: dict[str, Path] = field(default_factory=lambda: {"here": Path(sys.executable)})


def compare_network(
    run_path: Path, options: PeersOptions, tell: Callable[[str], None] = lambda line: None
) -> NetworkResult:
    """Compare a run's bundle, ``RUN.edge`` beside it, with the peers; exported if it is missing.

    Raises:
        SaliedgeError: One of ours failed, or the run cannot be used. A peer that fails is absent.
    """
    bundle_path = run_path.with_name(f"{run_path.name}.edge")
    if not bundle_path.exists():
        tell(f"exporting {bundle_path}")
        with plain_reporter() as reporter:
            export_run(ExportOptions(run_path, bundle_path), reporter)
    bundle, run = open_bundle(bundle_path), read_trained_run(run_path)
    calibration = load_training_images(run, options.samples).images
    test = _test_part(run)
    provenance = bundle.spec.provenance
    result = NetworkResult(
        name=bundle.spec.name,
        backbone=str(provenance.get("backbone", "")),
        sha256=bundle.sha256,
        size=(bundle.spec.preprocessing.height, bundle.spec.preprocessing.width),
        ranges=str(provenance.get("export", {}).get("ranges", "")),
        images=len(test),
        calibration=len(calibration),
    )
    with tempfile.TemporaryDirectory(prefix="saliedge-peers-") as name:
        folder = Path(name)
        images = _write_images(test, run, folder)
        reference = open_reference(reference_path(bundle_path))
        entrants = []
        for contestant in CONTESTANTS:
            tell(f"preparing {contestant.name}")
            path = prepare(contestant, bundle, reference, calibration, folder, options.pythons)
            if isinstance(path, Absent):
                result.absent[contestant.name] = path
                continue
            python = options.pythons[contestant.environment]
            entrant = Entrant(contestant, path, images[contestant.task], python)
            labels = [run.classes.index(sample.label) for sample in test]
            if _classify(entrant, labels, result):
                result.files[contestant.name] = _file_bytes(entrant, bundle)
                entrants.append(entrant)
        if options.instructions:
            result.instructions = count_instructions(entrants, tell=tell)
        for threads in options.threads:
            result.timings[threads] = time_pairs(
                entrants,
                threads,
                rounds=options.rounds,
                bursts=options.bursts,
                frames=options.frames,
                renewed_after=options.renewed_after,
                tell=tell,
            )
    return result


def _test_part(run: TrainedRun) -> tuple[Sample, ...]:
    assert run.directory is not None
    dataset = open_dataset(run.directory.read_config().data.source)
    test = read_split(run.directory.split, dataset).part("test")
    if not test:
        raise ArtifactError(f"{run.directory.path} has no test part; train with one.")
    return test


def _write_images(test: tuple[Sample, ...], run: TrainedRun, folder: Path) -> dict[str, Path]:
    """Write the held-out images for each task: the network's bytes, and whole frames."""
    of_task = {
        "network": list(load_images(test, run.preprocessing).images),
        "loop": [read_frame(sample) for sample in test],
    }
    paths = {task: folder / f"{task}.npz" for task in of_task}
    for task, images in of_task.items():
        save_images(paths[task], images)
    return paths


def _classify(entrant: Entrant, labels: list[int], result: NetworkResult) -> bool:
    """Let an entrant classify the held-out images; False if a peer cannot."""
    name = entrant.contestant.name
    try:
        with Process(entrant, 1) as process:
            found = process.ask(classify=True)["classes"]
    except SaliedgeError as error:
        if name in OURS:
            raise
        result.absent[name] = Absent(str(error).rstrip("."))
        return False
    result.right[name] = int(np.sum(np.array(found) == labels))
    return True


def _file_bytes(entrant: Entrant, bundle: Bundle) -> int:
    if entrant.contestant.name in OURS:
        return bundle.spec.files[entrant.contestant.file].bytes
    return entrant.path.stat().st_size
