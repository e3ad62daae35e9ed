"""What the export reads of a run: a checkpoint, its classes and its preprocessing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge_runtime.bundle import OperatingPoint
from edge_runtime.errors import ArtifactError
from edge_runtime.files import sha256_file
from edge_runtime.preprocessing import Preprocessing
from train.quantization import QuantizedNetwork, load_network
from train.quantization.profile import recorded_histograms
from train.run.directory import RunDirectory

__all__ = ["TrainedRun", "read_trained_run", "run_of_checkpoint"]


@dataclass(frozen=True)
class TrainedRun:
    """A run that can be exported.

    Attributes:
        directory: its folder; None for a network that was trained elsewhere.
        network: fake-quantising, in evaluation mode.
        classes: class names in the order of the logits.
        preprocessing: from a frame to network bytes.
        temperature: what the logits are divided by, in front of the softmax.
        operating_points: from which probability on a class is called.
        validation: scores of the best epoch on the validation part, or None.
        provenance: how it was trained, as hashes and counts.
        activations: site to the histogram of its integers in training; empty if it has none.
        checkpoint_sha256: of ``best.safetensors``, or of the weights; empty without a file.
        ranges: ``learned``, or how they were found.
    """

    directory: RunDirectory | None
    network: QuantizedNetwork
    classes: tuple[str, ...]
    preprocessing: Preprocessing
    temperature: float
    operating_points: tuple[OperatingPoint, ...]
    validation: dict[str, Any] | None
    provenance: dict[str, Any]
    activations: dict[str, list[int]]
    checkpoint_sha256: str
    ranges: str = "learned"


def read_trained_run(path: Path) -> TrainedRun:
    """Load the best checkpoint of the run at ``path``.

    Raises:
        ArtifactError: there is no finished run, its checkpoint is damaged, of another version or
            not finite, its ranges were not learned, or its record does not fit its network.
    """
    directory = RunDirectory(path)
    if not path.is_dir():
        raise ArtifactError(f"there is no run at {path}; give the folder of `saliedge train`.")
    checkpoint = directory.best_checkpoint
    network, metadata = load_network(checkpoint)
    if not network.quantize:
        raise ArtifactError(
            f"{path} was trained without learned ranges; train it again without --no-pact, or give "
            "--calibrate DATA for ranges from images."
        )
    return run_of_checkpoint(directory, checkpoint, network, metadata)


def run_of_checkpoint(
    directory: RunDirectory,
    checkpoint: Path,
    network: QuantizedNetwork,
    metadata: dict[str, Any],
) -> TrainedRun:
    """Put a run together from one of its checkpoints.

    Args:
        directory: of the run.
        checkpoint: the file.
        network: what it holds.
        metadata: what it says of its training.

    Raises:
        ArtifactError: its record is not whole or does not fit its network.
    """
    try:
        classes = tuple(str(name) for name in metadata["classes"])
        preprocessing = Preprocessing.from_json(metadata["preprocessing"])
        temperature = float(metadata.get("temperature", 1.0))
        points = tuple(
            OperatingPoint.from_json(point) for point in metadata.get("operating_points", ())
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ArtifactError(
            f"the record in {checkpoint} has no whole classes, preprocessing or operating points "
            f"({error}); train it again."
        ) from error
    expected = (len(classes), preprocessing.height, preprocessing.width)
    found = (network.class_count, *network.image_shape)
    if expected != found:
        raise ArtifactError(
            f"the record in {checkpoint} names {expected[0]} classes at "
            f"{expected[1]}x{expected[2]} pixels, but its network has {found[0]} at "
            f"{found[1]}x{found[2]}; train it again."
        )
    return TrainedRun(
        directory=directory,
        network=network,
        classes=classes,
        preprocessing=preprocessing,
        temperature=temperature,
        operating_points=points,
        validation=metadata.get("validation"),
        provenance=dict(metadata.get("provenance", {})),
        activations=recorded_histograms(metadata),
        checkpoint_sha256=sha256_file(checkpoint),
    )
