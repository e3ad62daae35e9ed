"""Second phase: the folded network, fake-quantised, on the saliency-guided loss."""

from __future__ import annotations

import dataclasses
from statistics import fmean
from typing import Any

import numpy as np
import torch
from torch import nn

from train.batches import image_batches, to_tensor
from train.data.sampling import balanced_draw
from train.loop.float_phase import calibrate
from train.loop.learner import Learner
from train.loop.objectives import GuidedObjective
from train.loop.optimization import quantized_optimizer
from train.loop.session import EpochLosses, Session, Validation
from train.prediction import Score
from train.quantization import QuantizedNetwork, load_network
from train.quantization.checkpoint import read_record
from train.quantization.profile import profile_sites
from train.run.log import EpochRecord
from train.run.resume_state import Best, ResumeState
from train.watch.findings import Reference, chance, findings_of_epoch
from train.watch.images import WatchImages

__all__ = ["run_quantized_phase"]

# Validation images that the clipped shares are measured on.
_CLIPPED_IMAGES = 64
# Training images that the kept network's activations are recorded on.
_PROFILED_IMAGES, _AT_ONCE = 128, 16


def run_quantized_phase(session: Session, state: ResumeState | None) -> None:
    """Train what is left of the phase and keep the best epoch as ``best.safetensors``.

    The network always comes from the file that the first phase wrote, so that a resumed run and
    one in one go start from the same memory layout.
    """
    settings = session.config.optimizer
    network = _starting_network(session)
    objective = _objective(session, network)
    learner = Learner(
        network,
        quantized_optimizer(network, settings),
        decay=settings.ema,
        after_step=network.clamp_ranges,
        follower=objective.threshold,
    )
    watched = _Watched(session, network)
    done, best = settings.epochs_float, None
    if state is not None:
        session.restore(state, learner)
        done, best = state.epochs_done, state.best
    else:
        validation = session.validate(network)
        _record(session, network, done, None, validation.score, watched)
        if settings.epochs == 0:
            best = _keep(session, network, done, validation)
            session.save_state("quantized", done, best, learner)
    loss = session.processes.parallel(objective)
    planned = settings.epochs_float + settings.epochs
    for epoch in range(done, planned):
        if session.leaves_early(_phase_name(session), best, epoch, planned):
            break
        losses = _train_epoch(session, learner, objective, loss, epoch)
        with learner.judged():
            validation = session.validate(network)
            _record(session, network, epoch + 1, losses, validation.score, watched)
            candidate = Best.of(epoch + 1, validation.score)
            if best is None or best.beaten_by(candidate):
                best = _keep(session, network, epoch + 1, validation)
        session.save_state("quantized", epoch + 1, best, learner)
    finding = chance(best.macro_sensitivity, len(session.data.classes)) if best else None
    if finding is not None:
        session.reporter.message(f"watch: {finding.sentence}")


class _Watched:
    """What the epochs of the phase are watched by.

    Attributes:
        images: a few of the validation part.
        reference: figures of the float network, before the first step of the phase.
    """

    def __init__(self, session: Session, network: QuantizedNetwork) -> None:
        data, guidance = session.data, session.config.guidance
        self.images = WatchImages(data, session.config.run.seed, session.device)
        record = read_record(session.run.float_checkpoint)
        quantizes, network.quantize = network.quantize, False
        figures = self.images.measure(network, guidance)
        network.quantize = quantizes
        self.reference = Reference(
            accuracy=record["metadata"]["validation"]["accuracy"],
            images=len(data.val_labels),
            classes=len(data.classes),
            steadiness=figures.steadiness,
            outside_area=self.images.outside_area,
            overlay_area=self.images.overlay_area,
            alphas=network.alphas(),
            guided=guidance.effective.lambda1 > 0,
        )


def _starting_network(session: Session) -> QuantizedNetwork:
    network, _ = load_network(session.run.float_checkpoint)
    network = network.to(session.device).to(memory_format=torch.channels_last)
    for parameter in network.parameters():
        # Tensors out of a file lie at any address, and kernels sum in another order where vectors
        # are not aligned; a copy is.
        parameter.data = parameter.data.clone(memory_format=torch.preserve_format)
    network.mark_calibrated()
    network.quantize = session.config.quantization.enabled
    for alpha in network.alpha_parameters():
        alpha.requires_grad_(network.quantize)
    return network


def _objective(session: Session, network: QuantizedNetwork) -> GuidedObjective:
    guidance = session.config.guidance
    return GuidedObjective(
        network,
        guidance.effective,
        eta=session.config.quantization.eta,
        ramp=guidance.ramp,
        class_weights=session.class_weights,
    )


def _train_epoch(
    session: Session,
    learner: Learner,
    objective: GuidedObjective,
    loss: nn.Module,
    epoch: int,
) -> EpochLosses:
    settings, guidance = session.config.optimizer, session.config.guidance.effective
    number = epoch - settings.epochs_float
    return session.train_epoch(
        epoch,
        description=session.clock.place(epoch + 1, _phase_name(session)),
        phase_epoch=number,
        phase_epochs=settings.epochs,
        learner=learner,
        objective=objective,
        loss=loss,
        with_noise=guidance.lambda1 > 0 and guidance.fill == "random",
    )


def _keep(session: Session, network: QuantizedNetwork, epoch: int, validation: Validation) -> Best:
    """Save the network as the best one."""
    if not network.quantize:
        # The clips were not trained; give the saved network ranges that fit its weights.
        calibrate(session, network)
    metadata = session.metadata(validation, epoch, calibrated=True)
    if network.quantize:
        metadata["activations"] = _activations(session, network)
    session.save_network(session.run.best_checkpoint, network, metadata)
    return Best.of(epoch, validation.score)


def _activations(session: Session, network: QuantizedNetwork) -> dict[str, Any]:
    """How the integers of each site are distributed over a few training images."""
    train = session.data.train
    drawn = balanced_draw(train.samples, _PROFILED_IMAGES, seed=session.config.run.seed)
    images = train.images[np.array(drawn)]
    profiles = profile_sites(network, image_batches(images, _AT_ONCE, session.device))
    histograms = {name: list(profile.histogram) for name, profile in profiles.items()}
    return {"images": len(images), "histograms": histograms}


def _record(
    session: Session,
    network: QuantizedNetwork,
    epoch: int,
    losses: EpochLosses | None,
    validation: Score,
    watched: _Watched,
) -> None:
    alphas = network.alphas()
    clipped: dict[str, float] = {}
    if network.quantize:
        sample = session.data.val.images[:_CLIPPED_IMAGES]
        clipped = network.clipped_share(to_tensor(sample, session.device))
    terms = losses.terms if losses else {}
    figures = watched.images.measure(network, session.config.guidance)
    record = EpochRecord(
        epoch=epoch,
        phase="quantized" if losses else "calibrated",
        seconds=losses.seconds if losses else 0.0,
        rate=losses.rate if losses else 0.0,
        loss=terms.get("total"),
        cross_entropy=terms.get("cross_entropy"),
        divergence=terms.get("divergence"),
        saliency_l1=terms.get("saliency_l1"),
        alpha_penalty=terms.get("alpha_penalty"),
        train_accuracy=losses.accuracy if losses else None,
        val_loss=validation.loss,
        val_accuracy=validation.accuracy,
        val_macro_sensitivity=validation.macro_sensitivity,
        alpha_mean=fmean(alphas.values()),
        clipped_share_mean=fmean(clipped.values()) if clipped else None,
        clipped_share_max=max(clipped.values()) if clipped else None,
        masked_agreement=figures.agreement,
        val_divergence=figures.divergence,
        saliency_steadiness=figures.steadiness,
        saliency_outside=figures.outside,
        saliency_overlay=figures.overlay,
    )
    session.write_record(record, alphas, clipped)
    session.reporter.message(_sentence(session, record))
    history = session.history("calibrated", "quantized")
    if history:
        session.watch(record, findings_of_epoch(history, watched.reference, alphas, clipped))


def _sentence(session: Session, record: EpochRecord) -> str:
    result = (
        f"validation: accuracy {record.val_accuracy:.1%}, "
        f"macro sensitivity {record.val_macro_sensitivity:.1%}"
    )
    if record.loss is None:
        return (
            f"folded{' and calibrated' if record.clipped_share_mean is not None else ''}  {result}"
        )
    values = dataclasses.asdict(record)
    parts = (("CE", "cross_entropy"), ("KL", "divergence"), ("L1", "saliency_l1"))
    # A term without a weight says nothing.
    losses = "  ".join(f"{name} {values[key]:.3g}" for name, key in parts if values[key])
    return (
        f"{session.clock.place(record.epoch, _phase_name(session))}  "
        f"{record.seconds:.0f} s  loss {record.loss:.3f}  {losses}  {result}"
        f"{session.clock.words(record.epoch)}"
    )


def _phase_name(session: Session) -> str:
    return "quantised" if session.config.quantization.enabled else "folded"
