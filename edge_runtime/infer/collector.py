"""Python's garbage collector, kept out of the start of a run.

A start makes a hundred thousand objects that stay: modules, functions, the bundle's record. Looking
through them again and again for what could go takes some hundredths of it, and later, at the
collections that look at everything, it would hold up a frame.
"""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Callable, Iterator

__all__ = ["late_collection"]


@contextlib.contextmanager
def late_collection() -> Iterator[Callable[[], None]]:
    """Collect no garbage until the function is called that the block is given.

    From then on it is collected as ever, but what was made before is left alone. After the block
    all is as before it.
    """
    gc.disable()
    try:
        yield _begin
    finally:
        gc.unfreeze()
        gc.enable()


def _begin() -> None:
    gc.freeze()
    gc.enable()
