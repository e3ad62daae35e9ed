"""Picture buffers go round, and are never in two hands."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from edge_runtime.sources.frame_pool import FramePool


def test_a_buffer_that_came_back_is_lent_again():
    pool = FramePool()
    first = pool.take(4, 6)
    pool.give_back(first)
    assert pool.take(4, 6) is first


def test_a_change_of_size_makes_new_buffers():
    pool = FramePool()
    pool.give_back(pool.take(4, 6))
    assert pool.take(8, 2).shape == (8, 2, 3)


def test_a_buffer_that_never_comes_back_holds_nobody_up():
    pool = FramePool()
    assert len({id(buffer) for buffer in [pool.take(2, 2) for _ in range(50)]}) == 50


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 5), st.sampled_from([1, 2]))))
def test_no_buffer_is_in_two_hands(steps):
    pool, held = FramePool(), []
    for takes, which, side in steps:
        if takes:
            held.append(pool.take(side, side))
        elif held:
            buffer = held.pop(which % len(held))
            pool.give_back(buffer)
            pool.give_back(buffer)
        assert len({id(buffer) for buffer in held}) == len(held)
