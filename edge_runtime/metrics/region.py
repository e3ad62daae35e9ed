"""A part of the picture with a name, such as the box where a display is burnt in."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from edge_runtime.errors import UsageError
from edge_runtime.quick_dataclass import dataclass

__all__ = ["Region"]


@dataclass(frozen=True)
class Region:
    """An upright rectangle, in fractions of the network's input.

    Attributes:
        name: What it is called in reports.
        left: Fraction of the width where it begins, 0 to below 1.
        top: Fraction of the height where it begins.
        right: Fraction of the width where it ends, above ``left`` to 1.
        bottom: Fraction of the height where it ends.

    Raises:
        UsageError: The name is empty or the corners do not span a rectangle inside 0..1.
    """

    name: str
    left: float
    top: float
    right: float
    bottom: float

    def __post_init__(self) -> None:
        spans = ((self.left, self.right), (self.top, self.bottom))
        if not self.name or not all(0.0 <= start < end <= 1.0 for start, end in spans):
            raise UsageError(
                f"the region {self.name!r} from ({self.left:g}, {self.top:g}) to ({self.right:g}, "
                f"{self.bottom:g}) is not a named rectangle within 0 to 1; write "
                "NAME=X0,Y0,X1,Y1 with X0 below X1 and Y0 below Y1."
            )

    @classmethod
    def parse(cls, text: str) -> Region:
        """Read ``NAME=X0,Y0,X1,Y1``, such as ``position=0,0.675,0.30,1``.

        Raises:
            UsageError: The text has another form.

        Examples:
            >>> Region.parse("position=0,0.675,0.30,1")
            Region(name='position', left=0.0, top=0.675, right=0.3, bottom=1.0)
        """
        name, _, corners = text.partition("=")
        try:
            left, top, right, bottom = (float(corner) for corner in corners.split(","))
        except ValueError:
            raise UsageError(
                f"{text!r} is not a region; write NAME=X0,Y0,X1,Y1 in fractions of the network's "
                "input, such as position=0,0.675,0.30,1."
            ) from None
        return cls(name.strip(), left, top, right, bottom)

    def __str__(self) -> str:
        corners = (self.left, self.top, self.right, self.bottom)
        return f"{self.name}={','.join(f'{corner:g}' for corner in corners)}"

    def mask(self, height: int, width: int) -> npt.NDArray[np.bool_]:
        """The pixels whose centre lies inside, bool [height, width]."""
        rows = (np.arange(height) + 0.5) / height
        columns = (np.arange(width) + 0.5) / width
        inside = np.outer(
            (rows >= self.top) & (rows < self.bottom),
            (columns >= self.left) & (columns < self.right),
        )
        return np.asarray(inside, np.bool_)
