"""Agreement of maps: SciPy's coefficient, and what equal, flat and broken maps score."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import spearmanr

from edge_runtime.metrics import rank_correlation, top_overlap


def _maps(seed: int, levels: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    first, second = (rng.integers(0, levels, (7, 6)).astype(np.float32) for _ in range(2))
    return first, second


@given(st.integers(0, 2**32 - 1), st.integers(2, 100))
def test_rank_correlation_is_spearmans_with_shared_ranks(seed: int, levels: int) -> None:
    first, second = _maps(seed, levels)
    if np.ptp(first) and np.ptp(second):
        expected = spearmanr(first.ravel(), second.ravel()).statistic
        assert rank_correlation(first, second) == pytest.approx(expected, abs=1e-12)


def test_only_the_order_counts_for_rank_correlation() -> None:
    first, _ = _maps(0, 90)
    assert rank_correlation(first, first**3) == pytest.approx(1.0)
    assert rank_correlation(first, -first) == pytest.approx(-1.0)


def test_a_map_without_an_order_agrees_with_its_equal_alone() -> None:
    flat, live = np.zeros((3, 3)), np.arange(9.0).reshape(3, 3)
    assert rank_correlation(flat, flat) == 1.0
    assert rank_correlation(flat, live) == rank_correlation(flat, flat + 1) == 0.0


@pytest.mark.parametrize("measure", [rank_correlation, top_overlap])
def test_a_broken_map_agrees_with_nothing(measure) -> None:  # type: ignore[no-untyped-def]
    live = np.arange(9.0).reshape(3, 3)
    broken = live.copy()
    broken[0, 0] = np.nan
    assert measure(broken, live) == measure(broken, broken) == 0.0


@pytest.mark.parametrize("measure", [rank_correlation, top_overlap])
def test_maps_of_different_shapes_are_refused(measure) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match="one shape"):
        measure(np.ones((2, 3)), np.ones((3, 2)))


def test_top_overlap_counts_the_highest_pixels_in_common() -> None:
    first = np.arange(20.0)
    second = first.copy()
    second[[19, 0]] = second[[0, 19]]
    # Two of twenty pixels are a tenth; 18 and 19 against 18 and 0.
    assert top_overlap(first, second) == 0.5
    assert top_overlap(first, second, share=1.0) == 1.0


@given(st.integers(0, 2**32 - 1), st.integers(1, 5), st.floats(0.01, 1.0))
def test_top_overlap_is_one_for_equal_maps_whatever_the_ties(
    seed: int, levels: int, share: float
) -> None:
    first, second = _maps(seed, levels)
    assert top_overlap(first, first, share) == pytest.approx(1.0)
    assert 0.0 <= top_overlap(first, second, share) <= 1.0 + 1e-12
    assert top_overlap(first, second, share) == pytest.approx(top_overlap(second, first, share))


def test_a_flat_map_has_the_overlap_of_chance() -> None:
    assert top_overlap(np.zeros(50), np.arange(50.0)) == pytest.approx(0.1)


def test_no_share_of_the_pixels_is_refused() -> None:
    with pytest.raises(ValueError, match="share"):
        top_overlap(np.ones(3), np.ones(3), share=0.0)
