"""How torch computes in a run: number formats, kernels that repeat themselves, threads.

Mixed precision is for the float warm-up alone. The second phase computes with integers that are
held in float32, whose sums are exact up to 2^24: in bfloat16, float16 or TF32 they would not be the
integers of the device any more. A run therefore never uses TF32, and autocast only where the first
phase asks for it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import torch

from edge_runtime.errors import UsageError

__all__ = ["PRECISIONS", "Precision", "autocast_dtype", "torch_settings"]

Precision = Literal["auto", "float32", "mixed"]
PRECISIONS: tuple[Precision, ...] = ("auto", "float32", "mixed")

_CUBLAS = "CUBLAS_WORKSPACE_CONFIG"
# The larger of the two workspaces with which cuBLAS repeats itself.
_CUBLAS_REPEATS = ":4096:8"
_NO_DETERMINISTIC_FORM = "does not have a deterministic implementation"


def autocast_dtype(precision: Precision, device: torch.device) -> torch.dtype | None:
    """The format that the float phase multiplies in; None keeps float32 throughout.

    Args:
        precision: ``auto`` is ``mixed`` on a GPU and ``float32`` on a CPU. ``mixed`` is bfloat16
            where the device has it, which every CPU has, else float16, which needs its gradients
            scaled.
        device: where it is computed.
    """
    if precision == "float32" or (precision == "auto" and device.type == "cpu"):
        return None
    if device.type == "cuda" and not torch.cuda.is_bf16_supported(including_emulation=False):
        return torch.float16
    return torch.bfloat16


@contextmanager
def torch_settings(threads: int, *, deterministic: bool = False) -> Iterator[None]:
    """Float32 as it is, repeatable kernels and a number of threads, for the time of a run.

    On a CPU a run repeats itself to the bit either way. On a GPU it does so only if it is asked to.

    Args:
        threads: of the CPU; 0 leaves them as they are.
        deterministic: refuse an operation that has no deterministic kernel, of which torch warns
            otherwise, and hold cuDNN and cuBLAS to kernels that repeat themselves.

    Raises:
        UsageError: such an operation was met.
    """
    before = torch.get_num_threads()
    if threads:
        torch.set_num_threads(threads)
    try:
        with _full_float32(), _repeatable(strict=deterministic):
            yield
    except RuntimeError as error:
        if _NO_DETERMINISTIC_FORM not in str(error):
            raise
        operation = str(error).partition(_NO_DETERMINISTIC_FORM)[0].strip()
        raise UsageError(
            f"{operation} has no deterministic form here; train without --deterministic or with "
            "--device cpu."
        ) from error
    finally:
        torch.set_num_threads(before)


@contextmanager
def _full_float32() -> Iterator[None]:
    """Products of float32 as IEEE has them, whatever torch's default for the device is.

    Said in the older of torch's two ways, which torch.export asks in and which sets the newer one.
    """
    cudnn: Any = torch.backends.cudnn
    before = torch.get_float32_matmul_precision(), cudnn.allow_tf32
    torch.set_float32_matmul_precision("highest")
    cudnn.allow_tf32 = False
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before[0])
        cudnn.allow_tf32 = before[1]


@contextmanager
def _repeatable(*, strict: bool) -> Iterator[None]:
    """Deterministic kernels: wherever there are any, or everywhere."""
    cudnn: Any = torch.backends.cudnn
    was_on = torch.are_deterministic_algorithms_enabled()
    only_warned = torch.is_deterministic_algorithms_warn_only_enabled()
    chosen, workspace = (cudnn.deterministic, cudnn.benchmark), os.environ.get(_CUBLAS)
    torch.use_deterministic_algorithms(True, warn_only=not strict)
    if strict:
        cudnn.deterministic, cudnn.benchmark = True, False
        os.environ.setdefault(_CUBLAS, _CUBLAS_REPEATS)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(was_on, warn_only=only_warned)
        cudnn.deterministic, cudnn.benchmark = chosen
        if workspace is None:
            os.environ.pop(_CUBLAS, None)
