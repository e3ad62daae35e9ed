"""A network on disk: a safetensors file that needs no code to load, and a readable JSON twin.

The structure and the configuration travel in the header of the safetensors file, so that weights
and structure can never be mixed up; the JSON is the same record for people. A SHA-256 of both lies
beside them: a flipped bit would otherwise be another network that loads without complaint.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as to_safetensors

from edge_runtime.errors import ArtifactError
from edge_runtime.files import atomic_write_bytes, atomic_write_text
from train.quantization.config import QuantizationConfig
from train.quantization.graph import NetworkGraph
from train.quantization.network import QuantizedNetwork

__all__ = ["load_network", "read_record", "save_network"]

_FORMAT = "saliedge-network"
_VERSION = 2


def save_network(path: Path, network: QuantizedNetwork, metadata: dict[str, Any]) -> None:
    """Write ``path`` (``.safetensors``) and its readable twin (``.json``).

    Args:
        path: where the tensors go; replaced only once it is whole.
        network: float or quantised; ``quantized`` in the record tells which it is used as.
        metadata: JSON values of the training run, such as class names and preprocessing.

    Raises:
        OutputError: the directory cannot be written.
    """
    record = {
        "format": _FORMAT,
        "version": _VERSION,
        "quantized": network.quantize,
        "config": asdict(network.config),
        "graph": network.graph.to_json(),
        "metadata": metadata,
    }
    tensors = {name: tensor.detach().contiguous() for name, tensor in network.state_dict().items()}
    text = json.dumps(record)
    # One entry: safetensors writes several in any order, and equal networks shall be equal files.
    header = {"saliedge": f"{_digest(text, tensors)}\n{text}"}
    atomic_write_bytes(path, to_safetensors(tensors, metadata=header))
    readable = record | {"alphas": network.alphas()}
    atomic_write_text(path.with_suffix(".json"), json.dumps(readable, indent=2) + "\n")


def load_network(path: Path) -> tuple[QuantizedNetwork, dict[str, Any]]:
    """Load a network and its metadata, in evaluation mode, quantising if it was saved so.

    Raises:
        ArtifactError: the file is missing, damaged, of another version, or holds values that are
            not finite.
    """
    record, tensors = _read(path)
    graph = NetworkGraph.from_json(record["graph"])
    config = QuantizationConfig(**record["config"])
    parameters = {
        name.removeprefix("layers."): tensor
        for name, tensor in tensors.items()
        if name.startswith("layers.")
    }
    broken = [name for name, tensor in tensors.items() if not torch.isfinite(tensor).all()]
    if broken:
        raise ArtifactError(
            f"{path} holds values that are not finite ({broken[0]}); train it again with a lower "
            "learning rate."
        )
    try:
        network = QuantizedNetwork(graph, parameters, config)
        network.load_state_dict(tensors)
    except (KeyError, RuntimeError) as error:
        raise ArtifactError(
            f"the tensors in {path} do not fit its network; the checkpoint is damaged, "
            "write it again with `saliedge train`."
        ) from error
    if record["quantized"]:
        network.mark_calibrated()
        network.quantize = True
    return network.eval(), record["metadata"]


def read_record(path: Path) -> dict[str, Any]:
    """The record in the header of ``path``, without the tensors.

    Raises:
        ArtifactError: as :func:`load_network`.
    """
    return _read(path, with_tensors=False)[0]


def _read(
    path: Path, *, with_tensors: bool = True
) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    if not path.is_file():
        raise ArtifactError(f"there is no checkpoint at {path}; give the folder of a finished run.")
    try:
        with safe_open(path, framework="pt") as archive:
            header = archive.metadata() or {}
            digest, separator, text = header.get("saliedge", "{}").partition("\n")
            record = json.loads(text if separator else digest)
            names = archive.keys() if with_tensors else ()
            # Cloned: a mapped tensor may lie unaligned, and kernels then sum in another order.
            tensors = {name: archive.get_tensor(name).clone() for name in names}
    except (SafetensorError, OSError, ValueError) as error:
        raise ArtifactError(
            f"{path} is not a readable checkpoint ({error}); copy it again or train it again."
        ) from error
    if record.get("format") != _FORMAT:
        raise ArtifactError(
            f"{path} was not written by `saliedge train`; give the folder of a run."
        )
    if record.get("version") != _VERSION:
        raise ArtifactError(
            f"{path} has checkpoint version {record.get('version')} and this saliedge reads "
            f"version {_VERSION}; use the saliedge that wrote it."
        )
    if with_tensors and digest != _digest(text, tensors):
        raise ArtifactError(
            f"{path} is damaged (its SHA-256 differs); copy it again or train it again."
        )
    return record, tensors


def _digest(text: str, tensors: dict[str, torch.Tensor]) -> str:
    """SHA-256 of the record's text and of every tensor's name, shape and bytes."""
    digest = hashlib.sha256(text.encode())
    for name in sorted(tensors):
        tensor = tensors[name].cpu().contiguous()
        digest.update(f"\n{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
