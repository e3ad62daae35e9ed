"""What a board and a process tell while something is measured: heat, clock, throttling, power.

``board`` reads the board, ``power`` its power, ``processes`` what a process and the others take.
Each sensor is looked for once; what is not there is absent with the reason.
"""

from __future__ import annotations

from benchmarks.sensors.board import BoardSensors, Reading
from benchmarks.sensors.processes import ProcessSensors, Usage

__all__ = ["BoardSensors", "ProcessSensors", "Reading", "Usage"]
