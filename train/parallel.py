"""Several processes that train one network together, each on its part of every batch.

``torchrun`` starts the processes and tells each, through the environment, which one it is; torch's
``DistributedDataParallel`` averages the gradients. Everything else that decides something (order,
views, mask noise, rates, scores) is computed alike in every process, so that little has to be said
between them: the loss terms of a step and the logits of the validation part.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import torch
import torch.distributed as dist
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from edge_runtime.errors import TERMINATED, DependencyError, SaliedgeError, UsageError

__all__ = ["ONE_PROCESS", "ProcessLostError", "Processes", "process_group"]

# How long one process waits for another that is alive: the first of a machine may be decoding.
_PATIENCE = timedelta(hours=2)


class ProcessLostError(SaliedgeError):
    """Another process of this training is gone; it, and not this one, has the reason to tell."""

    exit_code = TERMINATED


@dataclass(frozen=True)
class Processes:
    """Which of the processes this is; the default is one process, which costs nothing.

    Attributes:
        rank: from 0; the process of rank 0 alone writes files and talks.
        count: how many there are on all machines.
        local_rank: from 0 on each machine.
    """

    rank: int = 0
    count: int = 1
    local_rank: int = 0

    @property
    def is_first(self) -> bool:
        """Whether this process writes the files and talks."""
        return self.rank == 0

    def part(self, batch: NDArray[np.int64]) -> NDArray[np.int64]:
        """This process's rows of a batch ``[n, ...]``; parts differ by one row at most."""
        return np.array_split(batch, self.count)[self.rank]

    def device(self, kind: str) -> torch.device:
        """The device of this process, of the kind ``cpu`` or ``cuda``.

        Raises:
            DependencyError: this machine has fewer GPUs than processes.
        """
        if kind != "cuda" or self.count == 1:
            return torch.device(kind)
        found = torch.cuda.device_count()
        if self.local_rank >= found:
            raise DependencyError(
                f"this machine has {found} CUDA devices and more processes than that; start one "
                "process for each or train with --device cpu."
            )
        torch.cuda.set_device(self.local_rank)
        return torch.device(kind, self.local_rank)

    def parallel(self, objective: nn.Module) -> nn.Module:
        """A module whose backward pass leaves the same, averaged gradients in every process.

        The parameters and buffers of the first process are copied into the others, now and, as to
        buffers, before each forward pass.
        """
        return objective if self.count == 1 else DistributedDataParallel(objective)

    def synchronized(self, module: nn.Module, device: torch.device) -> nn.Module:
        """The module with batch norm over all processes on GPUs; torch has none for CPUs."""
        if self.count == 1 or device.type != "cuda":
            return module
        converted: nn.Module = nn.SyncBatchNorm.convert_sync_batchnorm(module)  # type: ignore[no-untyped-call]
        return converted

    def mean(self, values: Tensor) -> Tensor:
        """The mean over the processes, the same to the bit in each."""
        if self.count > 1:
            values = values.clone()
            dist.all_reduce(values)
            values /= self.count
        return values

    def merged(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """The rows of all processes, of which each has filled its own and left zeros elsewhere."""
        if self.count == 1:
            return rows
        merged = torch.from_numpy(rows.copy())
        dist.all_reduce(merged)
        return np.asarray(merged.numpy())

    def copy_buffers(self, module: nn.Module) -> None:
        """Give every process the first one's buffers, such as the statistics of batch norm."""
        if self.count > 1:
            for buffer in module.buffers():
                dist.broadcast(buffer, src=0)

    def wait(self) -> None:
        """Go on when every process is here."""
        if self.count > 1:
            # Not dist.barrier(), which would use a GPU even where the training does not.
            dist.all_reduce(torch.zeros(1))

    @contextmanager
    def first_on_machine(self) -> Iterator[None]:
        """Run the block in one process of each machine before it runs in the others."""
        if self.local_rank > 0:
            self.wait()
        yield
        if self.local_rank == 0:
            self.wait()


ONE_PROCESS = Processes()


@contextmanager
def process_group() -> Iterator[Processes]:
    """The processes that ``torchrun`` started; one process where it did not.

    Raises:
        ProcessLostError: another process ended while this one waited for it.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield ONE_PROCESS
        return
    on_gpu = torch.cuda.is_available() and dist.is_nccl_available()
    try:
        dist.init_process_group("cpu:gloo,cuda:nccl" if on_gpu else "gloo", timeout=_PATIENCE)
    except (dist.DistError, ValueError) as error:
        raise UsageError(
            f"the processes of this training cannot find each other ({error}); start them with "
            "torchrun."
        ) from error
    try:
        yield Processes(dist.get_rank(), dist.get_world_size(), int(os.environ["LOCAL_RANK"]))
    except RuntimeError as error:
        if not _is_lost_peer(error):
            raise
        raise ProcessLostError(
            f"process {dist.get_rank()} stops, since another process of this training ended or "
            "does not answer; see what that one said."
        ) from error
    finally:
        dist.destroy_process_group()


def _is_lost_peer(error: RuntimeError) -> bool:
    # What gloo's sockets say comes as a plain RuntimeError, out of the backward pass too.
    return isinstance(error, dist.DistError) or "gloo/transport" in str(error)
