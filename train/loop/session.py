"""What both phases of a run share: data, order, validation, the log and the resume state."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

import edge_runtime
from edge_runtime.bundle.operating_point import OperatingPoint
from edge_runtime.classifier import softmax
from edge_runtime.errors import ArtifactError, GateError, UsageError
from train.backbones import PRETRAINED_NONE, PRETRAINED_PACKAGE
from train.batches import Batch, Share, TrainingBatches
from train.config import TrainConfig, to_toml
from train.data.sampling import balanced_weights, epoch_batches
from train.guidance import LossTerms
from train.loop.learner import Learner
from train.loop.objectives import FloatObjective, GuidedObjective
from train.loop.optimization import rate_factor, set_rates
from train.operating_points import choose_operating_points
from train.parallel import ONE_PROCESS, Processes
from train.prediction import Score, predict_logits, score
from train.preparation import PreparedData
from train.quantization import QuantizedNetwork, save_network
from train.run.clock import RunClock
from train.run.directory import RunDirectory
from train.run.log import EpochRecord, Finding, RunLog
from train.run.progress import Reporter
from train.run.resume_state import Best, ResumeState, read_tensors, write_state
from train.temperature import fit_temperature

__all__ = ["EpochLosses", "Session", "Validation"]

_TERMS = ("total", "cross_entropy", "divergence", "saliency_l1", "alpha_penalty")


@dataclass(frozen=True)
class EpochLosses:
    """Means over the images of one epoch."""

    terms: dict[str, float]
    accuracy: float
    seconds: float
    rate: float


@dataclass(frozen=True, eq=False)
class Validation:
    """A network on the validation part: its score, and its logits float32 ``[N, C]``."""

    score: Score
    logits: NDArray[np.float32]


class Session:
    """One run in this process.

    Attributes:
        config: the resolved configuration.
        run: its folder.
        data: its images.
        device: where it computes.
        reporter: the person who watches.
        processes: those that train together; the first one writes, and it alone has a log.
        clock: how long the run still takes.

    Raises:
        UsageError: a batch has too few images for so many processes.
    """

    def __init__(
        self,
        config: TrainConfig,
        run: RunDirectory,
        data: PreparedData,
        device: torch.device,
        log: RunLog | None,
        reporter: Reporter,
        processes: Processes = ONE_PROCESS,
    ) -> None:
        self.config, self.run, self.data = config, run, data
        self.device, self.reporter, self.processes = device, reporter, processes
        self._log = log
        self._images_sha256 = data.images_sha256
        self._batches = TrainingBatches(
            data.train, data.train_labels, config.augmentation, config.run.seed, device
        )
        self.clock = RunClock(config)
        smallest = min(len(chosen) for chosen in self._order(0))
        if smallest < 2 * processes.count and processes.count > 1:
            raise UsageError(
                f"batches of {smallest} images are too few for {processes.count} processes; each "
                "needs two: give a larger --batch-size or start fewer."
            )

    @property
    def class_weights(self) -> Tensor | None:
        """Weights of the cross entropy ``[C]``, or None."""
        if self.config.data.balance != "weights":
            return None
        weights = balanced_weights(
            self.data.train_labels, len(self.data.classes), self.config.data.balance_power
        )
        return torch.as_tensor(weights, dtype=torch.get_default_dtype(), device=self.device)

    def train_epoch(
        self,
        epoch: int,
        *,
        description: str,
        phase_epoch: int,
        phase_epochs: int,
        learner: Learner,
        objective: FloatObjective | GuidedObjective,
        loss: nn.Module,
        with_noise: bool = False,
    ) -> EpochLosses:
        """Visit the training part once.

        Args:
            epoch: counted over both phases; it keys the order and the views.
            description: for the bar.
            phase_epoch: counted within the phase, for the schedule.
            phase_epochs: epochs of the phase.
            learner: what is trained.
            objective: its loss, told of each step.
            loss: the objective as it is called, see ``Processes.parallel``.
            with_noise: whether the loss masks with noise.

        Raises:
            GateError: the loss is not finite.
        """
        settings, optimizer = self.config.optimizer, learner.optimizer
        order = self._order(epoch)
        learner.model.train()
        sums, hits, seen, started = dict.fromkeys(_TERMS, 0.0), 0, 0, time.monotonic()
        self.reporter.start(description, len(order))
        self.clock.begin(epoch)
        factor = 0.0
        for step, chosen in enumerate(order):
            done, steps = phase_epoch * len(order) + step, phase_epochs * len(order)
            factor = rate_factor(done, steps, settings.warmup)
            set_rates(optimizer, factor)
            batch = self._batch(chosen, epoch, with_noise)
            with learner.autocast():
                terms: LossTerms = loss(batch, done / steps)
            values, hits_now = self._over_all_processes(terms, batch.label)
            if not math.isfinite(values["total"]):
                raise GateError(
                    f"the loss is not a number any more in {description}; train again with a "
                    "lower learning rate (--lr-float, --lr)."
                )
            learner.descend(terms.total, settings.clip_norm)
            objective.step_done(values["divergence"])
            for name in _TERMS:
                sums[name] += values[name] * len(chosen)
            hits += hits_now
            seen += len(chosen)
            means = {name: value / seen for name, value in sums.items()}
            left = self.clock.left(epoch + (step + 1) / len(order))
            self.reporter.advance(step + 1, _said(means, hits / seen), left)
        rate = factor * float(optimizer.param_groups[0]["peak_lr"])
        return EpochLosses(means, hits / seen, time.monotonic() - started, rate)

    def validate(self, network: nn.Module) -> Validation:
        """Run the network on the validation part; the processes take turns at its batches.

        All get the same logits, and so decide alike. The network gets the first one's buffers.
        """
        self.processes.copy_buffers(network)
        images, size = self.data.val.images, self.config.optimizer.batch_size
        logits = np.zeros((len(images), len(self.data.classes)), np.float32)
        for start in range(self.processes.rank * size, len(images), self.processes.count * size):
            rows = slice(start, start + size)
            logits[rows] = predict_logits(network, images[rows], size, self.device)
        logits = self.processes.merged(logits)
        return Validation(score(logits, self.data.val_labels), logits)

    def history(self, *phases: str) -> list[dict[str, float]]:
        """See :meth:`RunLog.history`; empty in a process that keeps no log."""
        return [] if self._log is None else self._log.history(*phases)

    def watch(self, record: EpochRecord, findings: Sequence[Finding]) -> None:
        """Record what was found in an epoch and tell what is new."""
        for finding in () if self._log is None else self._log.note(record, findings):
            self.reporter.message(f"watch: {finding.sentence}")

    def stops_early(self, best: Best | None, epochs_done: int) -> bool:
        """Whether a phase has gone on for long enough without a better epoch than its best."""
        patience = self.config.optimizer.patience
        return best is not None and 0 < patience <= epochs_done - best.epoch

    def leaves_early(self, phase: str, best: Best | None, epochs_done: int, planned: int) -> bool:
        """Whether a phase stops early; if so, say it, and what of the phase is kept.

        Args:
            phase: for people.
            best: its best epoch, counted over both phases.
            epochs_done: counted likewise.
            planned: its last epoch if it did not stop.
        """
        if best is None or not self.stops_early(best, epochs_done):
            return False
        self.reporter.message(
            f"the {phase} phase ends early, after epoch {epochs_done} of {planned}: none was "
            f"better than epoch {best.epoch} (macro sensitivity {best.macro_sensitivity:.1%} on "
            "the validation part), which is kept."
        )
        return True

    def save_network(self, path: Path, network: QuantizedNetwork, metadata: dict[str, Any]) -> None:
        """Write a checkpoint, which every process may read afterwards."""
        if self.processes.is_first:
            save_network(path, network, metadata)
        self.processes.wait()

    def write_record(
        self,
        record: EpochRecord,
        alphas: Mapping[str, float] | None = None,
        clipped: Mapping[str, float] | None = None,
    ) -> None:
        """Add an epoch to the log, see :meth:`RunLog.write`."""
        if self._log is not None:
            self._log.write(record, alphas, clipped)

    def save_state(
        self,
        phase: str,
        epochs_done: int,
        best: Best | None,
        learner: Learner,
    ) -> None:
        """Make the run resumable from here."""
        if not self.processes.is_first:
            return
        settings = self.config.optimizer
        total = settings.epochs_float + settings.epochs
        ended = epochs_done == total or self.stops_early(best, epochs_done)
        state = ResumeState(
            phase=phase,
            epochs_done=epochs_done,
            finished=phase == "quantized" and ended,
            best=best,
            split_sha256=self.data.split.sha256,
            images_sha256=self._images_sha256,
            threads=torch.get_num_threads(),
        )
        write_state(self.run.path, state, learner.tensors())

    def restore(self, state: ResumeState, learner: Learner) -> None:
        """Put the tensors of a state back into a learner that was made in the same way.

        Raises:
            ArtifactError: they are missing, damaged or of another network.
        """
        tensors = read_tensors(self.run.path, state)
        try:
            learner.restore(tensors)
        except (RuntimeError, KeyError, IndexError) as error:
            raise ArtifactError(
                f"the state {self.run.path / state.tensors_file} cannot be restored ({error}); "
                "train again with --force."
            ) from error

    def metadata(
        self, validation: Validation, epoch: int, *, calibrated: bool = False
    ) -> dict[str, Any]:
        """What a checkpoint says of its training: hashes and counts, no names of files.

        Args:
            validation: of the network that is kept.
            epoch: counted over both phases.
            calibrated: learn the temperature of its probabilities and the operating points of its
                classes from the validation.
        """
        config, data = self.config, self.data
        temperature, points = self._decisions(validation) if calibrated else (1.0, ())
        return {
            "classes": list(data.classes),
            "preprocessing": data.preprocessing.to_json(),
            "temperature": temperature,
            "operating_points": [point.to_json() for point in points],
            "validation": asdict(validation.score) | {"epoch": epoch},
            "provenance": {
                "backbone": config.network.backbone,
                "width_multiplier": config.network.width_multiplier,
                "pretrained": _pretrained_kind(config.network.pretrained),
                "seed": config.run.seed,
                "split": {
                    "seed": config.data.split_seed,
                    "fractions": list(config.data.fractions),
                    "sha256": data.split.sha256,
                    "own": data.dataset.has_own_split,
                    "given": bool(config.data.split_file),
                },
                "images": data.counts(),
                "class_counts": data.dataset.counts(),
                "groups": len({sample.group for sample in data.dataset.samples})
                if data.dataset.has_groups
                else 0,
                "skipped": len(data.skipped),
                "images_sha256": self._images_sha256,
                "listing_sha256": data.dataset.listing_sha256,
                "config_sha256": hashlib.sha256(to_toml(config).encode()).hexdigest(),
                "quantization": asdict(config.quantization),
                "guidance": asdict(config.guidance),
                "epochs_float": config.optimizer.epochs_float,
                "epochs": config.optimizer.epochs,
                "synthetic": data.dataset.samples[0].synthetic is not None,
                "tools": {"saliedge": edge_runtime.__version__, "torch": torch.__version__},
            },
        }

    def _decisions(self, validation: Validation) -> tuple[float, Sequence[OperatingPoint]]:
        """The temperature of the probabilities, and the operating point of each class."""
        data = self.data
        temperature = fit_temperature(validation.logits, data.val_labels)
        points = choose_operating_points(
            data.val_labels,
            softmax(validation.logits, temperature),
            [sample.group for sample in data.val.samples],
            data.classes,
            self.config.decision.sensitivity,
        )
        return temperature, points

    def _batch(self, chosen: NDArray[np.int64], epoch: int, with_noise: bool) -> Batch:
        """This process's part of a batch."""
        mine = self.processes.part(chosen)
        batch = self._batches.make(mine, epoch, with_noise=with_noise)
        if self.processes.count == 1:
            return batch
        weights = self.class_weights
        of_class = torch.ones(len(self.data.classes)) if weights is None else weights
        here, whole = (
            of_class.double().cpu().numpy()[self.data.train_labels[part[:, 0]]]
            for part in (mine, chosen)
        )
        return replace(batch, share=Share.of(here, whole, self.processes.count))

    def _over_all_processes(self, terms: LossTerms, label: Tensor) -> tuple[dict[str, float], int]:
        """The terms of the whole batch, and how many of its labels were met."""
        hits = (terms.logits.detach().argmax(dim=1) == label).sum()
        here = torch.stack([getattr(terms, name).detach().double() for name in _TERMS] + [hits])
        *values, mean_hits = self.processes.mean(here.cpu()).tolist()
        return dict(zip(_TERMS, values, strict=True)), round(mean_hits * self.processes.count)

    def _order(self, epoch: int) -> list[NDArray[np.int64]]:
        data = self.config.data
        return epoch_batches(
            self.data.train_labels,
            len(self.data.classes),
            batch_size=self.config.optimizer.batch_size,
            power=data.balance_power if data.balance == "sampling" else 0.0,
            seed=self.config.run.seed,
            epoch=epoch,
        )


def _pretrained_kind(pretrained: str) -> str:
    """Without the path, which is nobody's business on a device."""
    return pretrained if pretrained in (PRETRAINED_NONE, PRETRAINED_PACKAGE) else "file"


def _said(means: Mapping[str, float], accuracy: float) -> str:
    """What the bar says of an epoch so far."""
    return (
        f"loss {means['total']:.3f}  CE {means['cross_entropy']:.3f}  "
        f"KL {means['divergence']:.3f}  accuracy {accuracy:.1%}"
    )
