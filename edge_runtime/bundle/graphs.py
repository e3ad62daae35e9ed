"""What a graph file takes and gives: the graph interface of bundles and references.

Every graph takes ``image`` uint8 ``[1, H, W, 3]`` (RGB) and gives ``logits`` float32 ``[1, C]``
and ``features`` float32 ``[1, F]``. A graph with a saliency mode also takes ``class_index`` int32
``[1]`` (-1 for the top class) and also gives ``saliency`` float32 ``[1, h, w]`` and
``class_index_used`` int32 ``[1]``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal, get_args

from edge_runtime.bundle import fields
from edge_runtime.map_grid import MapGrid

__all__ = [
    "FileRecord",
    "GraphFormat",
    "GraphSpec",
    "Precision",
    "SaliencyMode",
    "TensorSpec",
    "check_file_name",
]

GraphFormat = Literal["onnx", "tflite"]
Precision = Literal["int8", "float32"]
SaliencyMode = Literal["none", "gradient", "cam"]

_DTYPES = ("uint8", "int8", "int32", "int64", "float32")
_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_INPUTS = {
    "none": ("image",),
    "gradient": ("image", "class_index"),
    "cam": ("image", "class_index"),
}
_OUTPUTS = {
    "none": ("logits", "features"),
    "gradient": ("logits", "features", "saliency", "class_index_used"),
    "cam": ("logits", "features", "saliency", "class_index_used"),
}


def check_file_name(name: str) -> str:
    """Return a file name that stays inside its folder, on every system.

    Args:
        name: Relative path with ``/``; each part starts with a letter or digit and goes on with
            letters, digits, ``.``, ``_`` and ``-``. So there is no ``..``, no absolute path, no
            drive and no hidden file.

    Raises:
        ValueError: Any other name.
    """
    if not all(_FILE_NAME.fullmatch(part) for part in name.split("/")):
        raise ValueError(f"the file name {name!r} is not allowed")
    return name


def _check_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(choices)}, not {value!r}")


@dataclass(frozen=True)
class FileRecord:
    """What a file of the bundle must be.

    Attributes:
        sha256: SHA-256 of its content, 64 lower-case hexadecimal digits.
        bytes: Its size.
    """

    sha256: str
    bytes: int

    def __post_init__(self) -> None:
        if not _SHA256.fullmatch(self.sha256):
            raise ValueError("sha256 is not 64 lower-case hexadecimal digits")
        if self.bytes < 0:
            raise ValueError("bytes is negative")

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that :meth:`from_json` reads."""
        return {"sha256": self.sha256, "bytes": self.bytes}

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> FileRecord:
        """Build from a JSON object; ``ValueError`` names the field that is wrong."""
        return cls(fields.text(record, "sha256"), fields.integer(record, "bytes"))


@dataclass(frozen=True)
class TensorSpec:
    """An input or output of a graph.

    Attributes:
        name: Name in the graph file.
        dtype: ``uint8``, ``int8``, ``int32``, ``int64`` or ``float32``.
        shape: All dimensions, the batch of 1 included.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]

    def __post_init__(self) -> None:
        _check_choice(f"dtype of {self.name!r}", self.dtype, _DTYPES)
        if any(not isinstance(side, int) or side < 1 for side in self.shape):
            raise ValueError(f"shape of {self.name!r} has a dimension below 1")

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that :meth:`from_json` reads."""
        return {"name": self.name, "dtype": self.dtype, "shape": list(self.shape)}

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> TensorSpec:
        """Build from a JSON object; ``ValueError`` names the field that is wrong."""
        shape = record.get("shape")
        if not isinstance(shape, list) or not all(isinstance(side, int) for side in shape):
            raise ValueError("the field 'shape' is not an array of whole numbers")
        return cls(fields.text(record, "name"), fields.text(record, "dtype"), tuple(shape))


@dataclass(frozen=True)
class GraphSpec:
    """One graph file.

    Attributes:
        name: Name within the bundle, for people, e.g. ``int8-gradient.onnx``.
        format: ``onnx`` or ``tflite``.
        precision: ``int8`` in a bundle, ``float32`` in a reference.
        saliency: Mode of the map that the graph gives: ``none``, ``gradient`` or ``cam``.
        file: File name inside the bundle.
        inputs: Inputs by the graph interface (see this module).
        outputs: Outputs by the graph interface.
        map_grid: Where the cells of a coarse ``saliency`` lie; None for pixels, and in bundles
            before schema 1.4: evenly then.
    """

    name: str
    format: GraphFormat
    precision: Precision
    saliency: SaliencyMode
    file: str
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    map_grid: MapGrid | None = None

    def __post_init__(self) -> None:
        _check_choice("format", self.format, get_args(GraphFormat))
        _check_choice("precision", self.precision, get_args(Precision))
        _check_choice("saliency", self.saliency, get_args(SaliencyMode))
        check_file_name(self.file)
        for kind, tensors, wanted in (
            ("input", self.inputs, _INPUTS[self.saliency]),
            ("output", self.outputs, _OUTPUTS[self.saliency]),
        ):
            missing = set(wanted) - {tensor.name for tensor in tensors}
            if missing:
                raise ValueError(f"the graph {self.name!r} lacks the {kind} {min(missing)!r}")
        image = self.input("image")
        if image.dtype != "uint8" or len(image.shape) != 4 or image.shape[3] != 3:
            raise ValueError(f"the graph {self.name!r} does not take uint8 images [1, H, W, 3]")

    def input(self, name: str) -> TensorSpec:
        """Return an input by name; ``KeyError`` if there is none."""
        return {tensor.name: tensor for tensor in self.inputs}[name]

    def output(self, name: str) -> TensorSpec:
        """Return an output by name; ``KeyError`` if there is none."""
        return {tensor.name: tensor for tensor in self.outputs}[name]

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that :meth:`from_json` reads."""
        record: dict[str, Any] = {
            "name": self.name,
            "format": self.format,
            "precision": self.precision,
            "saliency": self.saliency,
            "file": self.file,
            "inputs": [tensor.to_json() for tensor in self.inputs],
            "outputs": [tensor.to_json() for tensor in self.outputs],
        }
        if self.map_grid is not None:
            record["map_grid"] = self.map_grid.to_json()
        return record

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> GraphSpec:
        """Build from a JSON object; ``ValueError`` names the field that is wrong."""
        return cls(
            name=fields.text(record, "name"),
            format=fields.text(record, "format"),  # type: ignore[arg-type]  # checked when made
            precision=fields.text(record, "precision"),  # type: ignore[arg-type]
            saliency=fields.text(record, "saliency"),  # type: ignore[arg-type]
            file=fields.text(record, "file"),
            inputs=fields.list_of(record, "inputs", TensorSpec.from_json),
            outputs=fields.list_of(record, "outputs", TensorSpec.from_json),
            map_grid=MapGrid.from_json(fields.json_object(record, "map_grid"))
            if record.get("map_grid") is not None
            else None,
        )
