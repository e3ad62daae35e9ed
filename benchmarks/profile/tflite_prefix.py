"""TFLite graphs cut short: the same file with fewer operators.

A TFLite file is a FlatBuffer. Its list of operators is shortened where it lies, and a new list of
outputs is put behind the end: all tensors that the operators left out would read, so that no engine
leaves out work whose result nobody wants. Field numbers are those of TensorFlow Lite's schema.fbs.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from edge_runtime.errors import ArtifactError

__all__ = ["PrefixMaker"]

_SUBGRAPHS = 2  # of Model
_OUTPUTS, _OPERATORS = 2, 3  # of SubGraph
_OPERATOR_INPUTS, _OPERATOR_OUTPUTS = 1, 2  # of Operator


@dataclass(frozen=True)
class _Operator:
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


class PrefixMaker:
    """Makes graphs of the first operators of a graph.

    Args:
        model: The file.

    Attributes:
        operators: How many there are.

    Raises:
        ArtifactError: It is no TFLite file with one subgraph.
    """

    def __init__(self, model: bytes) -> None:
        self._model = model
        try:
            (subgraph,) = self._tables(self._follow(0), _SUBGRAPHS)
            self._list = self._vector(subgraph, _OPERATORS)
            self._outputs_field = self._field(subgraph, _OUTPUTS)
            self._final = self._numbers(subgraph, _OUTPUTS)
            self._read = [
                _Operator(
                    self._numbers(table, _OPERATOR_INPUTS), self._numbers(table, _OPERATOR_OUTPUTS)
                )
                for table in self._tables(subgraph, _OPERATORS)
            ]
        except (struct.error, ValueError) as error:
            raise ArtifactError(f"The TFLite graph cannot be cut short ({error}).") from error
        self.operators = len(self._read)

    def tensors(self, index: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Return the tensors that an operator reads and writes; -1 for one that is left out."""
        return self._read[index].inputs, self._read[index].outputs

    def prefix(self, count: int) -> bytes:
        """Return the graph of the first ``count`` operators, 1 to all of them."""
        if not 1 <= count <= self.operators:
            raise ValueError(f"expected 1 to {self.operators} operators, not {count}")
        made = [tensor for operator in self._read[:count] for tensor in operator.outputs]
        read_later = {tensor for operator in self._read[count:] for tensor in operator.inputs}
        wanted = [tensor for tensor in made if tensor in read_later or tensor in self._final]
        result = bytearray(self._model)
        struct.pack_into("<I", result, self._list, count)
        result += b"\0" * (-len(result) % 4)
        struct.pack_into("<I", result, self._outputs_field, len(result) - self._outputs_field)
        result += struct.pack(f"<I{len(wanted)}i", len(wanted), *wanted)
        return bytes(result)

    def _follow(self, place: int) -> int:
        (offset,) = struct.unpack_from("<I", self._model, place)
        return place + int(offset)

    def _field(self, table: int, number: int) -> int:
        """Return where a field of a table lies; ``ValueError`` if it is left out."""
        (back,) = struct.unpack_from("<i", self._model, table)
        vtable = table - back
        (size,) = struct.unpack_from("<H", self._model, vtable)
        slot = 4 + 2 * number
        (offset,) = struct.unpack_from("<H", self._model, vtable + slot) if slot < size else (0,)
        if not offset:
            raise ValueError(f"field {number} of a table is left out")
        return table + int(offset)

    def _vector(self, table: int, number: int) -> int:
        return self._follow(self._field(table, number))

    def _tables(self, table: int, number: int) -> list[int]:
        vector = self._vector(table, number)
        (length,) = struct.unpack_from("<I", self._model, vector)
        return [self._follow(vector + 4 + 4 * index) for index in range(length)]

    def _numbers(self, table: int, number: int) -> tuple[int, ...]:
        vector = self._vector(table, number)
        (length,) = struct.unpack_from("<I", self._model, vector)
        return struct.unpack_from(f"<{length}i", self._model, vector + 4)
