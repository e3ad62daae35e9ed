"""What a graph file takes and gives: the graph interface of bundles and references.

Every graph takes ``image`` uint8 ``[1, H, W, 3]`` (RGB) and gives ``logits`` float32 ``[1, C]``
and ``features`` float32 ``[1, F]``. A graph with a saliency mode also takes ``class_index`` int32
``[1]`` (-1 for the top class) and also gives ``saliency`` float32 ``[1, h, w]`` and
``class_index_used`` int32 ``[1]``.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal

from edge_runtime.map_grid import MapGrid
from edge_runtime.quick_dataclass import dataclass
from edge_runtime.record import Record, entry

__all__ = [
    "FILE_NAME_PATTERN",
    "DType",
    "FileName",
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
SaliencyMode = Literal["none", "gradient", "gradient-early", "cam"]
DType = Literal["uint8", "int8", "int32", "int64", "float32"]

_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
FILE_NAME_PATTERN = f"^{_FILE_NAME.pattern}(/{_FILE_NAME.pattern})*$"
FileName = Annotated[str, entry(pattern=FILE_NAME_PATTERN)]
"""A name that :func:`check_file_name` lets pass."""
_SHA256 = re.compile(r"[0-9a-f]{64}")
_PLAIN_INPUTS, _PLAIN_OUTPUTS = ("image",), ("logits", "features")
_MAP_INPUTS = (*_PLAIN_INPUTS, "class_index")
_MAP_OUTPUTS = (*_PLAIN_OUTPUTS, "saliency", "class_index_used")


def check_file_name(name: str) -> str:
    """Return a file name that stays inside its folder, on every system.

    Args:
        name: Relative path with ``/``; each part starts with a letter or digit and goes on with
            letters, digits, ``.``, ``_`` and ``-``. So there is no ``..``, no absolute path, no
            drive and no hidden file.

    Raises:
        ValueError: Any other name.

    Examples:
        >>> check_file_name("golden/images.npy")
        'golden/images.npy'
        >>> check_file_name("../secret")
        Traceback (most recent call last):
        ValueError: the file name '../secret' is not allowed
    """
    if not all(_FILE_NAME.fullmatch(part) for part in name.split("/")):
        raise ValueError(f"the file name {name!r} is not allowed")
    return name


@dataclass(frozen=True)
class FileRecord(Record):
    """What a file of the bundle must be.

    Attributes:
        sha256: SHA-256 of its content, 64 lower-case hexadecimal digits.
        bytes: Its size.
    """

    sha256: Annotated[str, entry(pattern=f"^{_SHA256.pattern}$")]
    bytes: Annotated[int, entry(minimum=0)]

    def __post_init__(self) -> None:
        if not _SHA256.fullmatch(self.sha256):
            raise ValueError("sha256 is not 64 lower-case hexadecimal digits")
        if self.bytes < 0:
            raise ValueError("bytes is negative")


@dataclass(frozen=True)
class TensorSpec(Record):
    """An input or output of a graph.

    Attributes:
        name: Name in the graph file.
        dtype: ``uint8``, ``int8``, ``int32``, ``int64`` or ``float32``.
        shape: All dimensions, the batch of 1 included.

    Examples:
        >>> image = TensorSpec("image", "uint8", (1, 160, 160, 3))
        >>> image.to_json()
        {'name': 'image', 'dtype': 'uint8', 'shape': [1, 160, 160, 3]}
        >>> TensorSpec.from_json(image.to_json()) == image
        True
    """

    name: str
    dtype: DType
    shape: tuple[Annotated[int, entry(minimum=1)], ...]

    def __post_init__(self) -> None:
        super().__post_init__()
        if any(not isinstance(side, int) or side < 1 for side in self.shape):
            raise ValueError(f"shape of {self.name!r} has a dimension below 1")


@dataclass(frozen=True)
class GraphSpec(Record):
    """One graph file.

    Attributes:
        name: Name within the bundle, for people, e.g. ``int8-gradient.onnx``.
        format: ``onnx`` or ``tflite``.
        precision: ``int8`` in a bundle, ``float32`` in a reference.
        saliency: Mode of the map that the graph gives: ``none``, ``gradient`` (for the pixels),
            ``gradient-early`` (for an early feature map, coarser and cheaper) or ``cam``.
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
    file: FileName
    inputs: Annotated[tuple[TensorSpec, ...], entry(minItems=1)]
    outputs: Annotated[tuple[TensorSpec, ...], entry(minItems=2)]
    map_grid: Annotated[MapGrid | None, entry(absent_if_none=True)] = None

    def __post_init__(self) -> None:
        super().__post_init__()
        check_file_name(self.file)
        is_plain = self.saliency == "none"
        for kind, tensors, wanted in (
            ("input", self.inputs, _PLAIN_INPUTS if is_plain else _MAP_INPUTS),
            ("output", self.outputs, _PLAIN_OUTPUTS if is_plain else _MAP_OUTPUTS),
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
