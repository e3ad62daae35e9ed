"""Starting the second phase from the folded float network of another run.

Runs that branch from one float checkpoint can be compared with each other: they differ in what the
second phase does and in nothing before it. Bit widths and quantisers may be others than those of
the run that it came from; images, parts and network must be the same.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from edge_runtime.errors import ArtifactError, DataError, UsageError
from edge_runtime.files import sha256_file
from train.loop.float_phase import calibrate, quantization_config
from train.loop.session import Session
from train.quantization import load_network
from train.run.directory import RunDirectory

__all__ = ["start_from_run"]


def start_from_run(session: Session) -> None:
    """Write this run's ``float.safetensors`` from that of the run ``network.start``.

    The weights are those of the other run to the bit; the clips are calibrated anew, at this run's
    widths. The record names the origin by its hashes.

    Raises:
        ArtifactError: there is no such run or float network.
        UsageError: it is of another network, input or number of float epochs.
        DataError: it was trained on other images, classes or parts.
    """
    config = session.config
    origin = RunDirectory(Path(config.network.start))
    network, metadata = load_network(origin.float_checkpoint)
    try:
        _check(session, origin, metadata)
        source = {
            "config_sha256": str(metadata["provenance"]["config_sha256"]),
            "float_sha256": sha256_file(origin.float_checkpoint),
        }
    except KeyError as error:
        raise ArtifactError(
            f"{origin.float_checkpoint} does not tell its {error}; train {origin.path} again."
        ) from error
    network = network.requantized(quantization_config(config)).eval().to(session.device)
    calibrate(session, network)
    validation = session.validate(network)
    record = session.metadata(validation, config.optimizer.epochs_float)
    record["provenance"]["start"] = source
    session.save_network(session.run.float_checkpoint, network, record)


def _check(session: Session, origin: RunDirectory, metadata: dict[str, Any]) -> None:
    config, data, theirs = session.config, session.data, metadata["provenance"]
    epochs, own_epochs = theirs["epochs_float"], config.optimizer.epochs_float
    network: list[tuple[str, Any, Any]] = [
        ("backbone", theirs["backbone"], config.network.backbone),
        ("preprocessing", metadata["preprocessing"], data.preprocessing.to_json()),
        ("number of float epochs", epochs, own_epochs),
    ]
    for what, there, here in network:
        if there != here:
            raise UsageError(
                f"the {what} of {origin.path} is {there}, this run's is {here}; leave the option "
                "out, or train a float network of its own."
            )
    images: list[tuple[str, Any, Any]] = [
        ("classes", metadata["classes"], list(data.classes)),
        ("split", theirs["split"]["sha256"], data.split.sha256),
        ("images", theirs["images_sha256"], data.images_sha256),
    ]
    for what, there, here in images:
        if there != here:
            raise DataError(
                f"{origin.path} was trained with other {what} than {config.data.source} has "
                "here; a run that starts from it needs the same data and the same split."
            )
