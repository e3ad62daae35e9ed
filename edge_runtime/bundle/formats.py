"""The two file formats of a bundle that are read here, from bytes that nobody has vouched for.

Both raise ``ValueError`` with words for the sentence, whatever the bytes are, and take memory in
proportion to them alone.
"""

from __future__ import annotations

import ast
import json
import math
import re
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

__all__ = ["read_json_object", "read_npy"]

_NUMBERS = re.compile(r"[<>]([iu][248]|f[248])|\|([iu]1|b1)")
_LONGEST_HEADER = 10_000
_MOST_DIMENSIONS = 32


def read_json_object(data: bytes) -> dict[str, Any]:
    """Return the JSON object that UTF-8 text holds.

    Refused besides what is no JSON: a name that occurs twice in an object, whose value would depend
    on the reader, and NaN and infinity, which JSON lacks.
    """
    try:
        record = json.loads(data, object_pairs_hook=_unique, parse_constant=_refuse)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    except UnicodeDecodeError as error:
        raise ValueError("it is no UTF-8 text") from error
    if not isinstance(record, dict):
        raise ValueError("it is no JSON object")
    return record


def read_npy(data: bytes) -> NDArray[Any]:
    """Return the array of a ``.npy`` file of numbers, format 1.0 or 2.0; nothing is unpickled.

    The header is read here: NumPy's own reader takes memory for the shape that a header claims, and
    ends in errors of other kinds for some headers.
    """
    dtype, column_major, shape, content = _npy_header(data)
    if math.prod(shape) * dtype.itemsize != len(content):
        raise ValueError("its length does not fit its shape")
    order: Literal["F", "C"] = "F" if column_major else "C"
    return np.ndarray(shape, dtype, buffer=content, order=order).copy()


def _npy_header(data: bytes) -> tuple[np.dtype[Any], bool, tuple[int, ...], memoryview]:
    length_bytes = {b"\x93NUMPY\x01\x00": 2, b"\x93NUMPY\x02\x00": 4}.get(data[:8])
    if length_bytes is None:
        raise ValueError("it does not begin like one")
    start = 8 + length_bytes
    end = start + int.from_bytes(data[8:start], "little")
    if len(data) < end or end - start > _LONGEST_HEADER:
        raise ValueError("its header is cut off or too long")
    try:
        header = ast.literal_eval(data[start:end].decode("latin-1").strip())
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError) as error:
        raise ValueError("its header is damaged") from error
    if not isinstance(header, dict) or set(header) != {"descr", "fortran_order", "shape"}:
        raise ValueError("its header lacks something")
    kind, column_major, shape = header["descr"], header["fortran_order"], header["shape"]
    if not isinstance(kind, str) or not _NUMBERS.fullmatch(kind):
        raise ValueError("it holds something else than numbers")
    is_shape = isinstance(shape, tuple) and len(shape) <= _MOST_DIMENSIONS
    if not is_shape or not all(type(side) is int and side >= 0 for side in shape):
        raise ValueError("its shape is none")
    return np.dtype(kind), column_major is True, shape, memoryview(data)[end:]


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(pairs)
    if len(record) != len(pairs):
        raise ValueError("a name occurs twice in it")
    return record


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no JSON")
