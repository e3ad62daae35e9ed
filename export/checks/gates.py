"""The gates of an export: a bundle is written only if all of them hold.

They judge the very bytes that would be written, in every engine that is installed, on calibration
images and golden images:

1. Parity: logits within a step of the exact reference, the same top class, and the features.
2. Engines agree among themselves.
3. Saliency graphs: logits as without saliency, the right class, maps as the reference's, and both
   as the straight-through gradient that torch computes by autograd.
4. Nothing between image and logits is computed in floating point.
5. Every range is in both files to the last bit.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from edge_runtime.bundle import Gate
from edge_runtime.bundle.trust import MapMode
from edge_runtime.engines import ENGINES, installed_engines
from edge_runtime.errors import DependencyError
from export.candidate import Candidate, output_step
from export.checks.integer_proof import (
    float_operations_onnx,
    float_operations_tflite,
    optimized_onnx,
)
from export.checks.parity import Outputs, compare_logits, compare_maps, run_graph, top_agreement
from export.checks.range_readback import StoredRange, read_ranges
from export.program import FEATURES, LOGITS, SALIENCY, execute
from train.prediction import predict_logits, predict_saliency

__all__ = ["GateReport", "GateThresholds", "JudgedMaps", "judge"]

_FORMATS = ("onnx", "tflite")
_BATCH = 16


@dataclass(frozen=True)
class GateThresholds:
    """What a bundle must hold.

    Attributes:
        logit_steps: largest difference of a logit from the reference, in quantisation steps.
        logit_steps_tflite_runtime: the same for tflite-runtime, whose kernels round differently.
        torch_steps: the same for the trained network in torch.
        features_off: largest share of features that are more than one step off. A near-tie in a
            mean may be rounded either way, and then spreads through the layers behind it.
        top_agreement: least share of images with the same top class; two classes that the reference
            has within one step count as the same.
        probability: largest difference of a probability.
        map_spearman: least median rank correlation of a device's map with the reference's.
        golden_pearson: least correlation of a device's map with the reference's on any golden
            image: what `saliedge verify` asks for. One sum that rounds the other way at a tie
            changes a map more than one would think (0.93 was seen).
        gradient_spearman: of gradient maps with torch's straight-through gradient (0.98 for the
            small CNN, 0.94 for EfficientNet-Lite0; the value of each bundle is in its report).
        gradient_early_spearman: the same of gradients at an early feature map.
        cam_spearman: of class activation maps with torch's.
        top_overlap: least median share of the highest tenth of the map that device and torch have
            in common (0.89 for EfficientNet-Lite0; chance gives a tenth).
        one_level_spearman: least median rank correlation of a device's map with that of the image
            whose bytes were all moved by one (0.34 for gradients of an EfficientNet-Lite0 after
            three epochs, 0.87 for the small CNN; 0 is another map).
        random_weights_spearman: largest median rank correlation with the map of random weights; a
            map above it would show the picture whatever was learned.
        map_images: calibration images that maps are compared on.
    """

    logit_steps: int = 1
    logit_steps_tflite_runtime: int = 3
    torch_steps: int = 1
    features_off: float = 0.01
    top_agreement: float = 0.99
    probability: float = 0.1
    map_spearman: float = 0.9
    golden_pearson: float = 0.9
    gradient_spearman: float = 0.85
    gradient_early_spearman: float = 0.85
    cam_spearman: float = 0.9
    top_overlap: float = 0.6
    one_level_spearman: float = 0.2
    random_weights_spearman: float = 0.9
    map_images: int = 32

    def steps(self, engine: str) -> int:
        """The limit on logits for one engine."""
        return self.logit_steps_tflite_runtime if engine == "tflite-runtime" else self.logit_steps


@dataclass(frozen=True, eq=False)
class JudgedMaps:
    """Maps of one kind that were made to be judged, of M calibration images.

    Attributes:
        images: uint8 ``[M, H, W, 3]``.
        explained: int64 ``[M]``, the class that each map explains.
        trained: float32 ``[M, h, w]``, of the fake-quantised network in torch.
        by_engine: the same of the INT8 graph in each engine.
    """

    images: NDArray[np.uint8]
    explained: NDArray[np.int64]
    trained: NDArray[np.float32]
    by_engine: dict[str, NDArray[np.float32]]


@dataclass
class GateReport:
    """Everything that was judged.

    Attributes:
        thresholds: what was asked for.
        gates: each check with its value.
        details: histograms and correlations behind the gates, JSON values.
        ranges: every learned range as both files have it.
        maps: by saliency mode; not part of the JSON.
    """

    thresholds: GateThresholds
    gates: list[Gate] = field(default_factory=list)
    details: dict[str, Any] = field(default_factory=dict)
    ranges: tuple[StoredRange, ...] = ()
    maps: dict[MapMode, JudgedMaps] = field(default_factory=dict)

    @property
    def failed(self) -> tuple[Gate, ...]:
        """The gates that do not hold."""
        return tuple(gate for gate in self.gates if not gate.passed)

    def add(
        self, name: str, value: float, comparison: Literal[">=", "<="], threshold: float
    ) -> None:
        """Judge one value."""
        passed = value >= threshold if comparison == ">=" else value <= threshold
        self.gates.append(Gate(name, float(value), float(threshold), bool(passed), comparison))

    def to_json(self) -> dict[str, Any]:
        """The part of the report that the gates fill.

        Also ``passed`` (whether all gates hold) and ``failed`` (names of those that do not).
        """
        return {
            "passed": not self.failed,
            "failed": [gate.name for gate in self.failed],
            "thresholds": asdict(self.thresholds),
            "gates": [gate.to_json() for gate in self.gates],
            "details": self.details,
            "ranges": [stored.to_json() for stored in self.ranges],
        }


def judge(
    candidate: Candidate,
    calibration: NDArray[np.uint8],
    golden: NDArray[np.uint8],
    thresholds: GateThresholds | None = None,
    advance: Callable[[int, str], None] = lambda done, detail: None,
) -> GateReport:
    """Measure all gates; nothing is raised for one that fails.

    Args:
        candidate: the graphs.
        calibration: uint8 ``[N, H, W, 3]``.
        golden: uint8 ``[G, H, W, 3]``.
        thresholds: the defaults if None.
        advance: told how many pieces of work are done (two more than there are programs), and which
            comes next.

    Raises:
        DependencyError: no engine is installed for one of the formats.
    """
    return _Judge(candidate, calibration, golden, thresholds or GateThresholds(), advance).run()


class _Judge:
    def __init__(
        self,
        candidate: Candidate,
        calibration: NDArray[np.uint8],
        golden: NDArray[np.uint8],
        thresholds: GateThresholds,
        advance: Callable[[int, str], None],
    ) -> None:
        self.candidate, self.thresholds, self.advance = candidate, thresholds, advance
        self.images = np.concatenate([golden, calibration])
        self.golden_count = len(golden)
        self.map_count = len(golden) + min(len(calibration), thresholds.map_images)
        self.engines = _engines()
        self.report = GateReport(thresholds)

    def run(self) -> GateReport:
        steps: list[tuple[str, Callable[[], None]]] = [("logits and features", self._logits)]
        for mode in self.candidate.programs:
            if mode != "none":
                steps.append((f"{mode} maps", partial(self._maps, mode)))
        steps += [("integer kernels", self._integers), ("ranges", self._ranges)]
        for done, (name, measure) in enumerate(steps):
            self.advance(done, name)
            measure()
        self.advance(len(steps), "")
        return self.report

    def _logits(self) -> None:
        """Gates 1 and 2."""
        program, limits = self.candidate.plain, self.thresholds
        reference = execute(program, self.images)
        step, feature_step = (output_step(program, name) for name in (LOGITS, FEATURES))
        self.plain: dict[str, Outputs] = {}
        for engine in self.engines:
            outputs = self._run(engine, "none", self.images)
            self.plain[engine] = outputs
            logits = compare_logits(outputs.logits, reference[LOGITS], step)
            features = compare_logits(outputs.features, reference[FEATURES], feature_step)
            self.report.details[f"{engine} logits"] = logits.to_json()
            self.report.details[f"{engine} features"] = features.to_json()
            add = self.report.add
            add(f"{engine}: logit steps", logits.largest_steps, "<=", limits.steps(engine))
            add(f"{engine}: features off", features.share_off, "<=", limits.features_off)
            add(f"{engine}: top-1 agreement", logits.top_agreement, ">=", limits.top_agreement)
            add(f"{engine}: probability", logits.largest_probability, "<=", limits.probability)
        trained = compare_logits(
            predict_logits(self.candidate.network, self.images, _BATCH), reference[LOGITS], step
        )
        self.report.details["torch logits"] = trained.to_json()
        # The same integers to the last bit, but for a mean or a sum that rounds at a tie.
        self.report.add("torch: logit steps", trained.largest_steps, "<=", limits.torch_steps)
        self.report.add("torch: top-1 agreement", trained.top_agreement, ">=", limits.top_agreement)
        for first, second in itertools.combinations(self.engines, 2):
            found, other = self.plain[first].logits, self.plain[second].logits
            agreement = top_agreement(found, other, tolerance=1.5 * step)
            name = f"{first} and {second}: top-1 agreement"
            self.report.add(name, agreement, ">=", limits.top_agreement)

    def _maps(self, mode: MapMode) -> None:
        """Gate 3.

        Golden images are asked about the top class, as a device that verifies its bundle does;
        of the others, every second one about a fixed class.
        """
        images, limits = self.images[: self.map_count], self.thresholds
        classes = self.candidate.network.class_count
        positions = np.arange(len(images))
        by_top_class = (positions < self.golden_count) | (positions % 2 == 0)
        asked = np.where(by_top_class, -1, positions % classes).astype(np.int32)
        program = self.candidate.programs[mode]
        reference = execute(program, images, asked)
        step = output_step(program, LOGITS)
        explained = reference["class_index_used"].astype(np.int64)
        trained = predict_saliency(self.candidate.network, images, explained, _BATCH, mode)
        against_torch = {
            "gradient": limits.gradient_spearman,
            "gradient-early": limits.gradient_early_spearman,
            "cam": limits.cam_spearman,
        }[mode]
        add, details = self.report.add, self.report.details
        calibration = slice(self.golden_count, None)
        judged = JudgedMaps(images[calibration], explained[calibration], trained[calibration], {})
        self.report.maps[mode] = judged
        parity = compare_maps(reference[SALIENCY], trained)
        details[f"reference {mode} maps with torch"] = parity.to_json()
        for engine in self.engines:
            found = self._run(engine, mode, images, asked)
            assert found.saliency is not None
            judged.by_engine[engine] = found.saliency[calibration]
            logits = compare_logits(found.logits, self.plain[engine].logits[: len(images)], step)
            add(f"{engine} {mode}: logit steps", logits.largest_steps, "<=", limits.steps(engine))
            wrong = int((found.class_index_used != reference["class_index_used"]).sum())
            add(f"{engine} {mode}: wrong classes explained", wrong, "<=", 0)
            parity = compare_maps(found.saliency, reference[SALIENCY])
            details[f"{engine} {mode} maps"] = parity.to_json()
            name = f"{engine} {mode}: median Spearman with the reference"
            add(name, parity.median_spearman, ">=", limits.map_spearman)
            golden = slice(self.golden_count)
            parity = compare_maps(found.saliency[golden], reference[SALIENCY][golden])
            name = f"{engine} {mode}: least correlation on golden images"
            add(name, parity.worst_pearson, ">=", limits.golden_pearson)
            parity = compare_maps(found.saliency, trained)
            details[f"{engine} {mode} maps with torch"] = parity.to_json()
            name = f"{engine} {mode}: median Spearman with torch"
            add(name, parity.median_spearman, ">=", against_torch)

    def _integers(self) -> None:
        """Gate 4."""
        for graph in self.candidate.graphs:
            if graph.spec.format == "onnx":
                found = float_operations_onnx(optimized_onnx(graph.model))
            else:
                found = float_operations_tflite(graph.model)
            self.report.details[f"{graph.spec.name} float operations"] = list(found)
            self.report.add(f"{graph.spec.name}: float operations", len(found), "<=", 0)

    def _ranges(self) -> None:
        """Gate 5."""
        models = [self.candidate.graph(name, "none").model for name in _FORMATS]
        self.report.ranges = read_ranges(self.candidate.network, *models)
        for name in _FORMATS:
            lost = sum(not stored.arrives(name) for stored in self.report.ranges)
            self.report.add(f"{name}: ranges that do not arrive", lost, "<=", 0)

    def _run(
        self,
        engine: str,
        mode: str,
        images: NDArray[np.uint8],
        asked: NDArray[np.int32] | None = None,
    ) -> Outputs:
        return run_graph(engine, self.candidate.graph(ENGINES[engine].format, mode), images, asked)


def _engines() -> tuple[str, ...]:
    """The installed engines; both formats must be provable."""
    engines = installed_engines()
    for wanted, extra in (("onnx", "onnx"), ("tflite", "litert")):
        if not any(ENGINES[name].format == wanted for name in engines):
            raise DependencyError(
                f"no engine that runs {wanted} files is installed to check the export with: "
                f"pip install 'saliedge[{extra}]'."
            )
    return engines
