"""What every process is given to do, the same for all that are compared."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["Workload", "synthetic_frames"]

_PICTURES = 4
_STRIDE = 60  # frames of the scene between two pictures, so that they differ
_SEED = 7


@dataclass(frozen=True)
class Workload:
    """How much is measured, and on what.

    Attributes:
        frames: Timed frames of one process.
        warmup: Frames before them that are not counted.
        rounds: Processes of each configuration.
        threads: Threads of the engine.
        frame_width: Width of the frames before preprocessing, in pixels.
        frame_height: Their height.
    """

    frames: int
    warmup: int
    rounds: int
    threads: int
    frame_width: int = 640
    frame_height: int = 480

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            least = 0 if field.name == "warmup" else 32 if field.name.startswith("frame_") else 1
            if not isinstance(value, int) or isinstance(value, bool) or value < least:
                raise ValueError(f"{field.name} is {value!r}, not a whole number from {least} on")

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that :meth:`from_json` reads."""
        return asdict(self)

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Workload:
        """Build from a JSON object; ``ValueError`` says what is wrong with it."""
        try:
            return cls(**{field.name: record[field.name] for field in fields(cls)})
        except (KeyError, TypeError) as error:
            raise ValueError("the workload lacks a field") from error


def synthetic_frames(workload: Workload) -> npt.NDArray[np.uint8]:
    """Draw the frames that all processes get: uint8 ``[N, frame_height, frame_width, 3]``, RGB.

    A few different pictures in turn, so that the processor's caches are as they are behind a
    camera, and few enough that they hardly show in the memory.
    """
    from edge_runtime.synthetic import SyntheticScene

    scene = SyntheticScene(_SEED, workload.frame_width, workload.frame_height)
    return np.stack([scene.frame(index * _STRIDE) for index in range(_PICTURES)])
