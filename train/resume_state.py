"""The state that an interrupted run goes on from: tensors as safetensors, the rest as JSON.

``last.json`` is the only entry point and is replaced in one step; it names the file of tensors
that belongs to it. A kill between the two writes therefore leaves the previous state whole.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load as from_safetensors
from safetensors.torch import save as to_safetensors
from torch import Tensor, nn

from edge_runtime.errors import ArtifactError
from edge_runtime.files import atomic_write_bytes, atomic_write_text, sha256_bytes

__all__ = ["Best", "ResumeState", "read_state", "restore", "write_state"]

STATE_FILE = "last.json"
_VERSION = 1


@dataclass(frozen=True)
class Best:
    """The best epoch so far: by macro recall on the validation part, then by its loss."""

    epoch: int
    macro_recall: float
    loss: float

    def beaten_by(self, other: Best) -> bool:
        """Whether ``other`` is better; an equal later epoch is not."""
        return (other.macro_recall, -other.loss) > (self.macro_recall, -self.loss)


@dataclass(frozen=True)
class ResumeState:
    """Where a run stands, after a whole epoch.

    Attributes:
        phase: ``float`` or ``quantized``.
        epochs_done: epochs finished, counted over both phases.
        finished: whether there is nothing left to do.
        best: of the second phase, or None before it.
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


def write_state(
    folder: Path, state: ResumeState, model: nn.Module, optimizer: torch.optim.Optimizer
) -> None:
    """Write the state and remove the one before it.

    Raises:
        OutputError: the folder cannot be written; the state before is whole then.
    """
    tensors = {f"model.{name}": value for name, value in model.state_dict().items()}
    for index, values in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{index}.{name}": value for name, value in values.items()}
    data = to_safetensors({name: value.contiguous().cpu() for name, value in tensors.items()})
    name = f"last-{state.epochs_done:04d}.safetensors"
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


def restore(
    folder: Path, state: ResumeState, model: nn.Module, optimizer: torch.optim.Optimizer
) -> None:
    """Put the tensors of a state back into a model and an optimiser made in the same way.

    Raises:
        ArtifactError: the file of tensors is missing, damaged or of another network.
    """
    path = folder / state.tensors_file
    try:
        data = path.read_bytes()
        if sha256_bytes(data) != state.tensors_sha256:
            raise ArtifactError(f"{path} is damaged; train again with --force.")
        tensors = from_safetensors(data)
        model.load_state_dict(_with_prefix(tensors, "model."))
        parameters = [p for group in optimizer.param_groups for p in group["params"]]
        slots: dict[int, dict[str, Tensor]] = {}
        for name, value in _with_prefix(tensors, "optimizer.").items():
            index, _, slot = name.partition(".")
            like = parameters[int(index)]
            # The memory layout of the parameter, since kernels may round by layout.
            kept = torch.empty_like(like if value.shape == like.shape else value).copy_(value)
            slots.setdefault(int(index), {})[slot] = kept.detach()
        optimizer.load_state_dict(optimizer.state_dict() | {"state": slots})
    except (OSError, SafetensorError, RuntimeError, IndexError) as error:
        raise ArtifactError(
            f"the state {path} cannot be restored ({error}); train again with --force."
        ) from error


def _with_prefix(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {
        name.removeprefix(prefix): value
        for name, value in tensors.items()
        if name.startswith(prefix)
    }
