"""Whether an ONNX model keeps tensors in other files, read from its bytes alone.

ONNX lets a tensor name a file that holds its data, and ONNX Runtime would look for it beside the
process. A bundle's graphs hold everything, so that what was hashed is what is computed. The device
has no ``onnx`` package: the few messages on the way to a tensor are walked here by their field
numbers (onnx.proto, Protocol Buffers wire format).
"""

from __future__ import annotations

from collections.abc import Iterator

__all__ = ["refers_to_other_files"]

# Message -> field number -> message, for all fields that lead to a tensor.
_FIELDS: dict[str, dict[int, str]] = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "function": {7: "node", 11: "attribute"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {},
}
_EXTERNAL_DATA, _DATA_LOCATION = 13, 14
_DEEPEST = 64
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


def refers_to_other_files(model: bytes) -> bool:
    """Whether any tensor of a serialised ``ModelProto`` lies elsewhere.

    Bytes that are no message count as if: nobody can say what they refer to.
    """
    try:
        return _refers(memoryview(model), "model", 0)
    except ValueError:
        return True


def _refers(message: memoryview, kind: str, depth: int) -> bool:
    if depth > _DEEPEST:
        raise ValueError("nested too deeply")
    inner = _FIELDS[kind]
    for number, value in _fields(message):
        if kind == "tensor" and (
            number == _EXTERNAL_DATA or (number == _DATA_LOCATION and value != 0)
        ):
            return True
        if (
            number in inner
            and isinstance(value, memoryview)
            and _refers(value, inner[number], depth + 1)
        ):
            return True
    return False


def _fields(message: memoryview) -> Iterator[tuple[int, memoryview | int]]:
    """Field numbers with their bytes (length-delimited), number (varint) or 0 (fixed)."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        wire = key & 7
        if wire == _VARINT:
            value, at = _varint(message, at)
            yield key >> 3, value
        elif wire == _BYTES:
            length, at = _varint(message, at)
            if at + length > len(message):
                raise ValueError("cut off")
            yield key >> 3, message[at : at + length]
            at += length
        elif wire in (_FIXED64, _FIXED32):
            at += 8 if wire == _FIXED64 else 4
            if at > len(message):
                raise ValueError("cut off")
            yield key >> 3, 0
        else:
            raise ValueError("no wire type")


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(message):
            raise ValueError("cut off")
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise ValueError("too long")
