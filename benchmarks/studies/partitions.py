"""Which operators of a TFLite file LiteRT hands to XNNPACK, and which it keeps for itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ai_edge_litert.interpreter import Interpreter

__all__ = ["Partitions", "delegated_partitions"]

_DELEGATE = "DELEGATE"


@dataclass(frozen=True)
class Partitions:
    """What becomes of a graph.

    Attributes:
        count: parts that are handed over, each in one piece.
        outside: names of the operators that are not, in order.
    """

    count: int
    outside: tuple[str, ...]


def delegated_partitions(model: bytes) -> Partitions:
    """Load a file and look at the plan.

    The interpreter lists the file's operators and, behind them, one for each part that was handed
    over, with the tensors that enter and leave it. What lies between is inside.
    """
    interpreter = Interpreter(model_content=model, num_threads=1)
    interpreter.allocate_tensors()
    details: list[dict[str, Any]] = interpreter._get_ops_details()
    operators = [detail for detail in details if detail["op_name"] != _DELEGATE]
    parts = [detail for detail in details if detail["op_name"] == _DELEGATE]
    writer = {int(output): detail for detail in operators for output in detail["outputs"]}
    inside: set[int] = set()
    for part in parts:
        entering = {int(tensor) for tensor in part["inputs"]}
        pending = [int(tensor) for tensor in part["outputs"]]
        while pending:
            tensor = pending.pop()
            detail = writer.get(tensor)
            if tensor in entering or detail is None or detail["index"] in inside:
                continue
            inside.add(detail["index"])
            pending.extend(int(source) for source in detail["inputs"])
    outside = (detail["op_name"] for detail in operators if detail["index"] not in inside)
    return Partitions(len(parts), tuple(outside))
