"""The state that an interrupted run goes on from: tensors as safetensors, the rest as JSON.

``last.json`` is the only entry point and is replaced in one step; it names the file of tensors
that belongs to it. A kill between the two writes therefore leaves the previous state whole.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load as from_safetensors
from safetensors.torch import save as to_safetensors
from torch import Tensor

from edge_runtime.errors import ArtifactError
from edge_runtime.files import atomic_write_bytes, atomic_write_text, sha256_bytes
from train.prediction import Score

__all__ = ["Best", "ResumeState", "read_state", "read_tensors", "write_state"]

STATE_FILE = "last.json"
_VERSION = 3


@dataclass(frozen=True)
class Best:
    """The best epoch so far: by macro sensitivity on the validation part, then by its loss."""

    epoch: int
    macro_sensitivity: float
    loss: float

    @classmethod
    def of(cls, epoch: int, score: Score) -> Best:
        """The epoch with its score on the validation part."""
        return cls(epoch, score.macro_sensitivity, score.loss)

    def beaten_by(self, other: Best) -> bool:
        """Whether ``other`` is better; an equal later epoch is not."""
        return (other.macro_sensitivity, -other.loss) > (self.macro_sensitivity, -self.loss)


@dataclass(frozen=True)
class ResumeState:
    """Where a run stands, after a whole epoch.

    Attributes:
        phase: ``float`` or ``quantized``.
        epochs_done: epochs finished, counted over both phases.
        finished: whether there is nothing left to do.
        best: epoch of this phase, or None before there is one; the first phase has one only where
            it may stop early.
        split_sha256: the split that the run uses.
        images_sha256: all network bytes that the run uses.
        threads: CPU threads of torch, which sums depend on in their last bits.
        tensors_file: name of the file that holds the tensors of model and optimiser.
        tensors_sha256: its hash.
    """

    phase: str
    epochs_done: int
    finished: bool
    best: Best | None
    split_sha256: str
    images_sha256: str
    threads: int
    tensors_file: str = ""
    tensors_sha256: str = ""


def write_state(folder: Path, state: ResumeState, tensors: Mapping[str, Tensor]) -> None:
    """Write the state and remove the one before it.

    Args:
        folder: of the run.
        state: where it stands; the name and hash of the file of tensors are filled in.
        tensors: of the learner.

    Raises:
        OutputError: the folder cannot be written; the state before is whole then.
    """
    data = to_safetensors(
        {name: value.detach().contiguous().cpu() for name, value in tensors.items()}
    )
    # Both phases may have done as many epochs; the file that the record names is never overwritten.
    name = f"last-{state.phase}-{state.epochs_done:04d}.safetensors"
    atomic_write_bytes(folder / name, data)
    record = asdict(state) | {
        "version": _VERSION,
        "tensors_file": name,
        "tensors_sha256": sha256_bytes(data),
    }
    atomic_write_text(folder / STATE_FILE, json.dumps(record, indent=2) + "\n")
    for stale in folder.glob("last-*.safetensors"):
        if stale.name != name:
            stale.unlink()


def read_state(folder: Path) -> ResumeState | None:
    """The state of a run, or None if no epoch was finished yet.

    Raises:
        ArtifactError: the state is damaged or of another version.
    """
    path = folder / STATE_FILE
    if not path.is_file():
        return None
    try:
        record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if record.pop("version") != _VERSION:
            raise ArtifactError(
                f"{path} was written by another version of saliedge; resume with that version."
            )
        best = record.pop("best")
        return ResumeState(best=Best(**best) if best else None, **record)
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise ArtifactError(f"{path} is damaged ({error}); train again with --force.") from error


def read_tensors(folder: Path, state: ResumeState) -> dict[str, Tensor]:
    """The tensors of a state.

    Raises:
        ArtifactError: their file is missing or damaged.
    """
    path = folder / state.tensors_file
    try:
        data = path.read_bytes()
        if sha256_bytes(data) == state.tensors_sha256:
            return from_safetensors(data)
    except (OSError, SafetensorError) as error:
        raise ArtifactError(
            f"the state {path} cannot be read ({error}); train again with --force."
        ) from error
    raise ArtifactError(f"{path} is damaged; train again with --force.")
