"""Ending a loop in order on Ctrl-C and SIGTERM."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Any, Self

from edge_runtime.closing import Closing
from edge_runtime.errors import INTERRUPTED, TERMINATED, Terminated

__all__ = ["StopSignals"]

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class StopSignals(Closing):
    """While entered, the first SIGINT or SIGTERM only asks the loop to stop.

    A second one ends the process without waiting for the loop (``KeyboardInterrupt`` or
    ``Terminated``), for a loop that hangs. Only the main thread can enter it.

    Attributes:
        stopping: Set by the first signal.
    """

    def __init__(self) -> None:
        self.stopping = threading.Event()
        self._received: int | None = None
        self._previous: dict[int, Any] = {}

    @property
    def exit_code(self) -> int:
        """130 after SIGINT, 143 after SIGTERM, 0 without a signal."""
        codes: dict[int | None, int] = {signal.SIGINT: INTERRUPTED, signal.SIGTERM: TERMINATED}
        return codes.get(self._received, 0)

    def __enter__(self) -> Self:
        for number in _SIGNALS:
            self._previous[number] = signal.signal(number, self._handle)
        return self

    def close(self) -> None:
        """Give the signals back to whom they belonged."""
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        if self._received is not None:
            raise KeyboardInterrupt if number == signal.SIGINT else Terminated
        self._received = number
        self.stopping.set()
