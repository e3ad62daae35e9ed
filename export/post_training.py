"""Networks whose ranges were not learned: of a run that ends in float, or of the user.

They are lowered as trained ones are. Their ranges come from calibration images, and everything that
is said of the bundle says so.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from edge_runtime.errors import ArtifactError, DataError, UsageError
from edge_runtime.files import sha256_file
from edge_runtime.preprocessing import Fit, Preprocessing
from export.trained_run import TrainedRun, run_of_checkpoint
from train.backbones import backbone_named, load_whole, try_backbone
from train.batches import image_batches
from train.data import Dataset
from train.quantization import QuantizationConfig, QuantizedNetwork, load_network
from train.run.directory import RunDirectory
from train.study.post_training import quantize_after_training

__all__ = ["PostTraining", "UsersModel", "calibrated", "read_float_run", "read_model"]

RangeMethod = Literal["percentile", "mse"]
_BATCH = 16


@dataclass(frozen=True)
class UsersModel:
    """A network that was trained elsewhere.

    Attributes:
        name: a name of the registry, ``timm:NAME`` or ``module:function``.
        weights: its whole state, classifier included; None only for a function that gives a
            trained module.
        size_hw: height and width of its input, multiples of 4.
        classes: names in the order of its logits; None for the sorted labels of the images.
        input_mean: the byte that it sees as zero; None for the backbone's own.
        input_std: bytes per unit that it sees; None likewise.
        fit: how a frame of another shape is fitted in.
    """

    name: str
    weights: Path | None
    size_hw: tuple[int, int]
    classes: tuple[str, ...] | None = None
    input_mean: int | None = None
    input_std: float | None = None
    fit: Fit = "crop"

    def __post_init__(self) -> None:
        if any(side < 4 or side % 4 for side in self.size_hw):
            raise UsageError(f"the size {self.size_hw[0]}x{self.size_hw[1]} is no multiple of 4.")
        is_function = ":" in self.name and not self.name.startswith("timm:")
        if self.weights is None and not is_function:
            raise UsageError(f"{self.name} has random weights without a file; give --weights.")


@dataclass(frozen=True)
class PostTraining:
    """Where ranges come from if they were not learned.

    Attributes:
        data: the calibration images, see ``open_dataset``; of a run, its own.
        method: ``percentile`` (99.99 % of the activations, the largest weight of a channel) or
            ``mse`` (the range of least squared rounding error, of both).
        model: the network; None for the float network of a run.
    """

    data: str
    method: RangeMethod = "percentile"
    model: UsersModel | None = None

    @property
    def description(self) -> str:
        """What stands in place of "learned"."""
        return f"post-training ({self.method})"


def read_float_run(path: Path) -> TrainedRun:
    """The float network of a run: after the warm-up, or the best one if no phase came behind it.

    Raises:
        ArtifactError: there is no such network, or its record does not fit it.
    """
    if not path.is_dir():
        raise ArtifactError(f"there is no run at {path}; give the folder of `saliedge train`.")
    directory = RunDirectory(path)
    checkpoint = directory.float_checkpoint
    if not checkpoint.is_file():
        checkpoint = directory.best_checkpoint
    network, metadata = load_network(checkpoint)
    if network.quantize:
        raise ArtifactError(
            f"{path} has no float network beside its learned one; export it without --calibrate."
        )
    run = run_of_checkpoint(directory, checkpoint, network, metadata)
    # Scores and thresholds were found with the float network, which is not what the bundle runs.
    return dataclasses.replace(run, validation=None, operating_points=())


def read_model(model: UsersModel, dataset: Dataset) -> TrainedRun:
    """A user's network, captured.

    Args:
        model: what and from where.
        dataset: the calibration images, whose labels are its classes.

    Raises:
        UsageError: there is no such network, it fails, or the classes are not those of the images.
        ArtifactError: its weights do not fit, or an operation has no integer form.
    """
    classes = model.classes or dataset.classes
    if set(classes) != set(dataset.classes) or len(set(classes)) != len(classes):
        raise UsageError(
            f"the classes {', '.join(classes)} are not those of the calibration images "
            f"({', '.join(dataset.classes)}), each once."
        )
    backbone = backbone_named(model.name)
    height, width = model.size_hw
    try_backbone(backbone, len(classes), height=height, width=width)
    module = backbone.make(len(classes))
    if model.weights is not None:
        load_whole(module, model.weights, model.name)
    config = QuantizationConfig(
        input_mean=backbone.input_mean if model.input_mean is None else model.input_mean,
        input_std=backbone.input_std if model.input_std is None else model.input_std,
    )
    network = QuantizedNetwork.from_model(module.eval(), height, width, config)
    return TrainedRun(
        directory=None,
        network=network.eval(),
        classes=classes,
        preprocessing=Preprocessing(height, width, model.fit),
        temperature=1.0,
        operating_points=(),
        validation=None,
        provenance={"backbone": model.name, "images": {}, "class_counts": {}},
        activations={},
        checkpoint_sha256=sha256_file(model.weights) if model.weights is not None else "",
    )


def calibrated(
    run: TrainedRun, images: NDArray[np.uint8], post_training: PostTraining
) -> TrainedRun:
    """The run with ranges from images, quantising at 8 bit.

    Args:
        run: its network in float.
        images: uint8 ``[N, H, W, 3]``.
        post_training: by which method.

    Raises:
        DataError: the activations are not finite.
    """
    if not len(images):
        raise DataError(f"there are no images at {post_training.data} to calibrate with.")
    config = QuantizationConfig()
    batches = image_batches(images, _BATCH)
    network = quantize_after_training(run.network, config, batches, post_training.method)
    return dataclasses.replace(run, network=network, ranges=post_training.description)
