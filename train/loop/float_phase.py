"""First phase: the backbone in float, with batch norm, on the cross entropy alone."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from train.backbones import build
from train.batches import image_batches
from train.config import NetworkConfig, TrainConfig
from train.data.augment import keyed_generator
from train.loop.learner import Learner
from train.loop.objectives import FloatObjective
from train.loop.optimization import float_optimizer
from train.loop.session import Session
from train.quantization import QuantizationConfig, QuantizedNetwork
from train.run.log import EpochRecord
from train.run.resume_state import Best, ResumeState
from train.torch_settings import autocast_dtype
from train.watch.findings import overfitting

__all__ = [
    "NormalizedBackbone",
    "calibrate",
    "calibration_batches",
    "quantization_config",
    "run_float_phase",
]


class NormalizedBackbone(nn.Module):
    """The backbone on byte values, with batch norm and all."""

    def __init__(self, module: nn.Module, network: NetworkConfig) -> None:
        super().__init__()
        self.module, self._mean, self._scale = module, network.input_mean, 1 / network.input_std

    def forward(self, image: Tensor) -> Tensor:
        """Logits ``[N, C]`` of images float32 ``[N, 3, H, W]`` that hold byte values 0..255."""
        logits: Tensor = self.module((image - self._mean) * self._scale)
        return logits


def run_float_phase(session: Session, state: ResumeState | None) -> None:
    """Train what is left of the phase, fold batch norm and normalisation, and save the result.

    The folded network goes to ``float.safetensors`` with clips from real activations, which the
    second phase starts from.
    """
    config, network = session.config, session.config.network
    torch.manual_seed(config.run.seed)
    classes = len(session.data.classes)
    module = build(network.backbone, classes, network.pretrained, network.width_multiplier)
    module = session.processes.synchronized(module, session.device)
    model = NormalizedBackbone(module, network).to(session.device)
    model = model.to(memory_format=torch.channels_last)
    learner = Learner(
        model,
        float_optimizer(model, config.optimizer),
        decay=config.optimizer.ema,
        autocast=autocast_dtype(config.run.precision, session.device),
    )
    done, best = 0, None
    if state is not None:
        session.restore(state, learner)
        done, best = state.epochs_done, state.best
    objective = FloatObjective(model, session.class_weights)
    loss = session.processes.parallel(objective)
    planned = config.optimizer.epochs_float
    for epoch in range(done, planned):
        if session.leaves_early("float", best, epoch, planned):
            break
        best = _train_epoch(session, learner, objective, loss, epoch, best)
    learner.return_to_kept()
    session.processes.copy_buffers(model)
    _fold(session, module)


def calibrate(session: Session, network: QuantizedNetwork) -> None:
    """Set the clips from unaugmented training images, drawn with the run's seed."""
    batches = calibration_batches(session.data.train.images, session.config, session.device)
    settings = session.config.quantization
    network.calibrate(batches, method=settings.range_method, percentile=settings.percentile)


def calibration_batches(
    images: NDArray[np.uint8], config: TrainConfig, device: torch.device | None = None
) -> Iterator[Tensor]:
    """Unaugmented training images uint8 ``[N, H, W, 3]``, drawn with the run's seed."""
    generator = keyed_generator(config.run.seed, "calibration")
    chosen = sorted(generator.permutation(len(images))[: config.quantization.calibration_images])
    return image_batches(images[chosen], config.optimizer.batch_size, device)


def quantization_config(config: TrainConfig) -> QuantizationConfig:
    """Widths, quantisers and the input's meaning, as the network takes them."""
    settings = config.quantization
    return QuantizationConfig(
        activation_bits=settings.activation_bits,
        weight_bits=settings.weight_bits,
        weight_quantizer=settings.weight_quantizer,
        activation_quantizer=settings.activation_quantizer,
        input_mean=config.network.input_mean,
        input_std=config.network.input_std,
    )


def _train_epoch(
    session: Session,
    learner: Learner,
    objective: FloatObjective,
    loss: nn.Module,
    epoch: int,
    best: Best | None,
) -> Best | None:
    """Train one epoch; gives the best one so far, where the phase may stop early."""
    epochs, seed = session.config.optimizer.epochs_float, session.config.run.seed
    # For networks that drop at random: a resumed run draws what it would have drawn in one go.
    torch.manual_seed(int(keyed_generator(seed, "dropout", epoch).integers(2**63)))
    losses = session.train_epoch(
        epoch,
        description=session.clock.place(epoch + 1, "float"),
        phase_epoch=epoch,
        phase_epochs=epochs,
        learner=learner,
        objective=objective,
        loss=loss,
    )
    with learner.judged():
        validation = session.validate(learner.model).score
        candidate = Best.of(epoch + 1, validation)
        if session.config.optimizer.patience and (best is None or best.beaten_by(candidate)):
            best = candidate
            learner.keep()
    record = EpochRecord(
        epoch=epoch + 1,
        phase="float",
        seconds=losses.seconds,
        rate=losses.rate,
        loss=losses.terms["total"],
        cross_entropy=losses.terms["cross_entropy"],
        divergence=None,
        saliency_l1=None,
        alpha_penalty=None,
        train_accuracy=losses.accuracy,
        val_loss=validation.loss,
        val_accuracy=validation.accuracy,
        val_macro_sensitivity=validation.macro_sensitivity,
    )
    session.write_record(record)
    session.save_state("float", epoch + 1, best, learner)
    session.reporter.message(
        f"{session.clock.place(epoch + 1, 'float')}  {losses.seconds:.0f} s  "
        f"loss {losses.terms['total']:.3f}  validation: accuracy {validation.accuracy:.1%}, "
        f"macro sensitivity {validation.macro_sensitivity:.1%}{session.clock.words(epoch + 1)}"
    )
    found = overfitting(session.history("float"), len(session.data.classes))
    session.watch(record, () if found is None else (found,))
    return best


def _fold(session: Session, module: nn.Module) -> None:
    input_config = session.config.network
    network = QuantizedNetwork.from_model(
        module.to("cpu").eval(),
        input_config.height,
        input_config.width,
        quantization_config(session.config),
    ).to(session.device)
    calibrate(session, network)
    validation = session.validate(network)
    epoch = session.config.optimizer.epochs_float
    metadata = session.metadata(validation, epoch)
    session.save_network(session.run.float_checkpoint, network, metadata)
