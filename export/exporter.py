"""One export from a run to a bundle that has passed its gates."""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import edge_runtime
from edge_runtime.bundle import Gate, reference_path
from edge_runtime.bundle.trust import SaliencyTrust
from edge_runtime.engines import ENGINES, installed_engines
from edge_runtime.errors import GateError, UsageError
from edge_runtime.files import refuse_existing, refuse_unwritable, sha256_bytes
from edge_runtime.leftovers import clear_leftovers
from export.bundle_writer import (
    BundleContents,
    bundle_record,
    gates_path,
    is_bundle,
    is_reference,
    report_path,
    write_bundle,
    write_reference,
    write_report,
)
from export.calibration_images import check_calibration_images, load_training_images
from export.candidate import Candidate, emit_candidate, emit_references, output_step
from export.checks.calibration import CalibrationChecks, check_calibration
from export.checks.gates import GateReport, GateThresholds, judge
from export.checks.parity import run_graph
from export.checks.trust_card import measure_trust
from export.feature_statistics import FeatureMoments, feature_moments
from export.golden import golden_images, make_golden
from export.near_ties import settle_sums
from export.post_training import PostTraining, calibrated, read_float_run, read_model
from export.program import FEATURES
from export.report import SaliencyExample, report_page, report_record, saliency_examples
from export.trained_run import TrainedRun, read_trained_run
from train.data import LoadedImages, open_dataset
from train.evaluation.lesions import find_lesions
from train.run.progress import Reporter

__all__ = ["ExportOptions", "ExportResult", "export_run"]

_SHOWN_IMAGES = 6
_PACKAGES = ("ai-edge-litert", "numpy", "onnx", "onnxruntime", "tflite-runtime", "torch")


@dataclass(frozen=True)
class ExportOptions:
    """What is exported to where.

    Attributes:
        run: folder of the run; None for a network that was trained elsewhere.
        out: ``NAME.edge``.
        data: where the run's images are now; None for where they were.
        samples: calibration images for scales of gradients and for the gates.
        feature_images: training images that the statistics of the features are measured on.
        force: replace an earlier bundle.
        reference: write the float graphs beside the bundle.
        saliency: write graphs with maps, too.
        include_images: show training images in the report, which the bundle then says.
        seed: of the draw of images.
        thresholds: of the gates.
        post_training: where ranges come from instead of the training; None takes the learned ones.
    """

    run: Path | None
    out: Path
    data: str | None = None
    samples: int = 64
    feature_images: int = 512
    force: bool = False
    reference: bool = True
    saliency: bool = True
    include_images: bool = False
    seed: int = 0
    thresholds: GateThresholds = field(default_factory=GateThresholds)
    post_training: PostTraining | None = None

    def __post_init__(self) -> None:
        if self.samples < 16:
            raise UsageError(f"{self.samples} calibration images are too few; give 16 or more.")
        if self.out.suffix != ".edge":
            raise UsageError(f"{self.out} does not end in .edge; name the bundle NAME.edge.")
        model = self.post_training.model if self.post_training else None
        if (self.run is None) == (model is None):
            raise UsageError(
                "give the folder of a run, or --model with --calibrate DATA for a network that was "
                "trained elsewhere."
            )

    @property
    def name(self) -> str:
        """Name of the model: that of the bundle's folder."""
        return self.out.name.removesuffix(".edge")


@dataclass(frozen=True)
class ExportResult:
    """What was written.

    Attributes:
        bundle: contents of the bundle.
        gates: what was judged.
        checks: how the ranges fit the calibration images.
        left_out: saliency mode to the reason why there is no graph of it.
    """

    bundle: BundleContents
    gates: GateReport
    checks: CalibrationChecks
    left_out: dict[str, str]


def export_run(options: ExportOptions, reporter: Reporter) -> ExportResult:
    """Export a run; the bundle appears last and only whole.

    Raises:
        ArtifactError: the run or its checkpoint cannot be used.
        DataError: its training images cannot.
        DependencyError: no engine is installed for one of the formats.
        GateError: a gate failed; the report is written, the bundle is not.
        OutputError: a place is taken (without ``force``), read-only or full.
    """
    _prepare_places(options)
    run = _read_run(options)
    loaded = _read_images(options, run, reporter)
    calibration = loaded.images[: options.samples]
    labels = [sample.label for sample in loaded.samples[: options.samples]]
    check_calibration_images(calibration, labels, run.classes, run.network.image_shape)
    if options.post_training is not None:
        run = calibrated(run, calibration, options.post_training)
        reporter.message(f"post-training ranges, not learned ones: {run.ranges}")
    golden_bytes = golden_images(run.preprocessing)
    moved_ranges = settle_sums(run.network)

    candidate = _emit(run, calibration, reporter, options.saliency)
    gates, trust, checks = _check(options, run, candidate, loaded, golden_bytes, reporter)
    provenance = _provenance(options, run, candidate, loaded, moved_ranges)
    record = report_record(
        candidate,
        gates,
        checks,
        trust,
        name=options.name,
        classes=run.classes,
        class_counts=Counter(labels),
        provenance=provenance,
        golden_count=len(golden_bytes),
    )
    page = report_page(record, _examples(options, run, candidate, golden_bytes, calibration))
    write_report(options.out, record, page)
    _raise_failed(options, gates, checks)

    reporter.start("measuring features", 1)
    contents = bundle_record(
        run,
        candidate,
        make_golden(candidate, golden_bytes, options.thresholds),
        _feature_moments(candidate, loaded.images),
        gates,
        trust,
        name=options.name,
        record=record,
        page=page,
        provenance=provenance,
        includes_images=options.include_images,
    )
    # The reference first: whoever sees the new bundle finds its reference beside it.
    if options.reference:
        write_reference(reference_path(options.out), run, emit_references(run.network), contents)
    write_bundle(options.out, contents, force=options.force)
    return ExportResult(contents, gates, checks, candidate.left_out)


def _prepare_places(options: ExportOptions) -> None:
    """Refuse what could not be written before anything is computed."""
    refuse_existing(options.out, options.force, is_bundle)
    if options.reference:
        refuse_existing(reference_path(options.out), True, is_reference)
    refuse_unwritable(gates_path(options.out))
    for path in (options.out, gates_path(options.out), report_path(options.out)):
        clear_leftovers(path)


def _emit(
    run: TrainedRun, calibration: NDArray[np.uint8], reporter: Reporter, saliency: bool
) -> Candidate:
    """All graphs; what is missing or only nearly so is told."""
    reporter.start("writing graphs", 4)
    candidate = emit_candidate(run.network, calibration, reporter.advance, saliency)
    for mode, reason in candidate.left_out.items() if saliency else ():
        reporter.message(f"no {mode} graph: {reason}")
    for mode in candidate.mean_places:
        reporter.message(
            f"the cells of the {mode} map are placed at the mean of what the network's branches see"
        )
    return candidate


def _check(
    options: ExportOptions,
    run: TrainedRun,
    candidate: Candidate,
    loaded: LoadedImages,
    golden: NDArray[np.uint8],
    reporter: Reporter,
) -> tuple[GateReport, tuple[SaliencyTrust, ...], CalibrationChecks]:
    """What the files are held against, the trust in their maps, and how the ranges fit."""
    calibration = loaded.images[: options.samples]
    reporter.start("checking", len(candidate.programs) + 2)
    gates = judge(candidate, calibration, golden, options.thresholds, reporter.advance)
    reporter.start("measuring trust in the maps", len(gates.maps))
    lesions = find_lesions(loaded.samples[: options.samples], run.preprocessing)
    trust = measure_trust(candidate, gates, calibration, lesions, run.classes, reporter.advance)
    reporter.start("checking ranges", 2)
    checks = check_calibration(
        run.network, candidate.plain, calibration, run.activations, reporter.advance
    )
    return gates, trust, checks


def _read_run(options: ExportOptions) -> TrainedRun:
    """Case 1: learned ranges. Case 2: a run's float network. Case 3: a network from elsewhere."""
    post_training = options.post_training
    if options.run is not None:
        return read_float_run(options.run) if post_training else read_trained_run(options.run)
    assert post_training is not None and post_training.model is not None
    return read_model(post_training.model, open_dataset(post_training.data))


def _read_images(options: ExportOptions, run: TrainedRun, reporter: Reporter) -> LoadedImages:
    wanted = max(options.samples, options.feature_images)
    return load_training_images(
        run,
        wanted,
        data=options.post_training.data if options.post_training else options.data,
        seed=options.seed,
        started=lambda count: reporter.start("reading training images", count),
        advance=reporter.advance,
    )


def _examples(
    options: ExportOptions,
    run: TrainedRun,
    candidate: Candidate,
    golden: NDArray[np.uint8],
    calibration: NDArray[np.uint8],
) -> tuple[SaliencyExample, ...]:
    """Synthetic pictures for the report; some of the training only if they may be seen."""
    images, titles = golden, ["synthetic picture"] * len(golden)
    if options.include_images:
        shown = calibration[:_SHOWN_IMAGES]
        images = np.concatenate([golden, shown])
        titles = titles + ["training image"] * len(shown)
    return saliency_examples(candidate, images, titles, run.classes)


def _feature_moments(candidate: Candidate, images: NDArray[np.uint8]) -> FeatureMoments:
    engine = next(name for name in installed_engines() if ENGINES[name].format == "onnx")
    outputs = run_graph(engine, candidate.graph("onnx", "none"), images)
    return feature_moments(outputs.features, output_step(candidate.plain, FEATURES))


def _raise_failed(options: ExportOptions, gates: GateReport, checks: CalibrationChecks) -> None:
    if not gates.failed:
        return
    worst = gates.failed[0]
    more = f" and {len(gates.failed) - 1} more" if len(gates.failed) > 1 else ""
    raise GateError(
        f"the export failed {len(gates.failed)} of {len(gates.gates)} gates ({worst.name} is "
        f"{worst.value:.4g}, must be {worst.comparison} {worst.threshold:g}{more}; "
        f"{_worst_layer(worst, gates, checks)}), so {options.out} was not written; see "
        f"{report_path(options.out)}."
    )


def _worst_layer(gate: Gate, gates: GateReport, checks: CalibrationChecks) -> str:
    """Where to look: the gate's own layer where it has one, else the noisiest."""
    subject, _, what = gate.name.partition(": ")
    named: Sequence[str] = ()
    if what == "float operations":
        named = gates.details[f"{subject} {what}"]
    elif what == "ranges that do not arrive":
        named = [stored.node for stored in gates.ranges if not stored.arrives(subject)]
    if named:
        return f"the first is {named[0]}"
    if not checks.worst_layers:
        return "no layer adds noise of its own"
    layer = checks.worst_layers[0]
    return f"the layer that adds most noise is {layer.tensor}, {layer.own_sqnr_db:.1f} dB"


def _provenance(
    options: ExportOptions,
    run: TrainedRun,
    candidate: Candidate,
    loaded: LoadedImages,
    moved_ranges: dict[str, float],
) -> dict[str, Any]:
    """The run's provenance and the export's own: hashes, counts and versions."""
    calibration = np.ascontiguousarray(loaded.images[: options.samples])
    tools = {"python": platform.python_version(), "saliedge": edge_runtime.__version__}
    for package in _PACKAGES:
        try:
            tools[package] = version(package)
        except PackageNotFoundError:
            continue
    return {
        **run.provenance,
        "checkpoint_sha256": run.checkpoint_sha256,
        "export": {
            "calibration_images": len(calibration),
            "calibration_sha256": sha256_bytes(calibration.data),
            "feature_images": len(loaded.images),
            "seed": options.seed,
            "ranges": run.ranges,
            "moved_ranges": moved_ranges,
            "left_out": candidate.left_out,
        },
        "tools": tools,
    }
