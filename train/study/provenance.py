"""Which code and what machine a record comes from, without telling whose or where it is."""

from __future__ import annotations

import hashlib
import platform
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

import edge_runtime
import train
from train.quantization import QuantizedNetwork

__all__ = ["code_version", "machine", "weights_sha256"]


@cache
def code_version() -> dict[str, str]:
    """Versions, and one hash over all sources of the packages that compute a row."""
    digest = hashlib.sha256()
    for package in (edge_runtime, train):
        root = Path(str(package.__file__)).parent
        for path in sorted(root.rglob("*.py")):
            digest.update(f"{root.name}/{path.relative_to(root).as_posix()}\n".encode())
            digest.update(path.read_bytes())
    return {
        "saliedge": edge_runtime.__version__,
        "sources_sha256": digest.hexdigest(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
    }


def weights_sha256(network: QuantizedNetwork) -> str:
    """Hash of all weights and biases, which no path and no clip plays a part in."""
    digest = hashlib.sha256()
    for name, tensor in sorted(network.layers.state_dict().items()):
        digest.update(f"{name} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.contiguous().numpy().tobytes())
    return digest.hexdigest()


def machine() -> dict[str, Any]:
    """The processor's kind and the threads that torch uses."""
    return {
        "architecture": platform.machine(),
        "processor": _processor(Path("/proc/cpuinfo")),
        "threads": torch.get_num_threads(),
    }


def _processor(cpuinfo: Path) -> str:
    try:
        lines = cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return platform.processor() or "unknown"
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or "unknown"
