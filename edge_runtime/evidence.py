"""Where a map says that the evidence is, as a box and a share; or that it says nothing."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_runtime.preprocessing import FrameMapping
from edge_runtime.quick_dataclass import dataclass
from edge_runtime.saliency import TOP_SHARE, heat_on_field, smoothed_map, warmest

__all__ = ["Box", "Evidence", "concentration", "find_evidence"]

Box = tuple[float, float, float, float]
"""Left, top, right and bottom, in shares of the frame."""
_LEAST_CELLS = 0.01
_ALL_BUT_ZERO = "the map is all but zero"
_LIKE_RANDOM = (
    "the map is spread out like those of the network with random weights: it does not show what "
    "was learned"
)


@dataclass(frozen=True)
class Evidence:
    """What a map says.

    Attributes:
        box: The smallest box around the strongest region: of the connected parts of the warmest
            5 % of the map, as it is drawn, the one with the most of its energy. None without a
            signal.
        share: That region's share of the energy, the sum over the smoothed map where it is
            positive; an even map's is 5 % at most. None without a signal.
        no_signal: Why the map says nothing, as a clause; empty if it says something.
    """

    box: Box | None
    share: float | None
    no_signal: str = ""

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values, rounded."""
        return {
            "box": None if self.box is None else [round(side, 3) for side in self.box],
            "share": None if self.share is None else round(self.share, 3),
            "no_signal": self.no_signal,
        }


def concentration(saliency: NDArray[np.float32]) -> float:
    """Return the share of a raw map's sum that its highest 5 % of the cells hold.

    Args:
        saliency: float32 ``[h, w]``; negative cells count as 0.

    Returns:
        0.05 for an even map, to 1; 0 for a map without a positive cell.

    Examples:
        >>> import numpy as np
        >>> concentration(np.eye(20, dtype=np.float32))
        1.0
        >>> round(concentration(np.ones((20, 20), np.float32)), 3)
        0.05
    """
    cells = np.maximum(np.nan_to_num(saliency), 0).ravel()
    total = float(cells.sum(dtype=np.float64))
    count = max(1, round(TOP_SHARE * cells.size))
    top = np.partition(cells, -count)[-count:]
    return float(top.sum(dtype=np.float64)) / total if total > 0 else 0.0


def find_evidence(
    saliency: NDArray[np.float32],
    mapping: FrameMapping,
    frame_hw: tuple[int, int],
    signal_floor: float | None = None,
) -> Evidence:
    """Find what a map says.

    Case 1: fewer than one cell in a hundred is positive: no signal.
    Case 2: the concentration is at most that of maps of random weights: no signal.
    Case 3: any other: the strongest region.

    Args:
        saliency: float32 ``[h, w]``, raw.
        mapping: Where the map's cells lie in the frame.
        frame_hw: Height and width of the frame.
        signal_floor: The highest :func:`concentration` among maps of the network with random
            weights; None if that does not tell them apart.
    """
    if np.count_nonzero(saliency > 0) < _LEAST_CELLS * saliency.size:
        return Evidence(None, None, _ALL_BUT_ZERO)
    if signal_floor is not None and concentration(saliency) <= signal_floor:
        return Evidence(None, None, _LIKE_RANDOM)
    energy = heat_on_field(np.maximum(smoothed_map(saliency), 0), mapping)
    count, parts, boxes, _ = cv2.connectedComponentsWithStats(warmest(energy).astype(np.uint8))
    sums = np.bincount(parts.ravel(), weights=energy.ravel(), minlength=count)
    strongest = 1 + int(np.argmax(sums[1:]))  # 0 is what lies outside the warmest cells.
    left, top, width, height = (int(value) for value in boxes[strongest, :4])
    return Evidence(
        _in_frame(
            (left, top, left + width, top + height), energy.shape, mapping, saliency.shape, frame_hw
        ),
        float(sums[strongest] / sums.sum()),
    )


def _in_frame(
    box: tuple[int, int, int, int],
    field_hw: tuple[int, ...],
    mapping: FrameMapping,
    cells_hw: tuple[int, ...],
    frame_hw: tuple[int, int],
) -> Box:
    """A box in pixels of the field, in shares of the frame."""
    left, top, right, bottom = mapping.covered((cells_hw[0], cells_hw[1]))
    scale_x, scale_y = (right - left) / field_hw[1], (bottom - top) / field_hw[0]
    height, width = frame_hw
    return (
        (left + box[0] * scale_x) / width,
        (top + box[1] * scale_y) / height,
        (left + box[2] * scale_x) / width,
        (top + box[3] * scale_y) / height,
    )
