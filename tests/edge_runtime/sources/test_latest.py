"""The slot between a camera and the loop keeps the newest frame alone."""

from __future__ import annotations

import numpy as np
import pytest

from edge_runtime.errors import SourceError
from edge_runtime.sources import CaptureTime, Frame, LatestFrame
from edge_runtime.sources.frame_pool import FramePool


def _frame(index, pool=None):
    image = np.zeros((2, 2, 3), np.uint8) if pool is None else pool.take(2, 2)
    return Frame(image, "test", index, CaptureTime.now(), "test", pool=pool)


def test_the_slot_keeps_the_newest_frame_and_counts_the_others():
    slot = LatestFrame()
    for index in range(5):
        slot.put(_frame(index))
    assert slot.take(0).index == 4
    assert slot.dropped == 4
    assert slot.take(0) is None


def test_the_last_frame_is_taken_before_the_end_is_told():
    slot = LatestFrame()
    slot.put(_frame(0))
    slot.end(SourceError("lost"))
    assert not slot.ended
    assert slot.take(0).index == 0
    assert slot.ended
    with pytest.raises(SourceError, match="lost"):
        slot.take(0)


def test_a_frame_that_nobody_took_gives_its_memory_back():
    slot, pool = LatestFrame(), FramePool()
    first = _frame(0, pool)
    slot.put(first)
    slot.put(_frame(1, pool))
    assert pool.take(2, 2) is first.image
