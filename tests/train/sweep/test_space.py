"""What is varied: reading it, and drawing points from it."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_runtime.errors import UsageError
from train.sweep.space import Choices, Span, draw_points, parse_axis

seeds = st.integers(0, 2**32)


@pytest.mark.parametrize(
    ("text", "entries", "domain"),
    [
        ("optimizer.lr=1e-4,3e-4", [("optimizer", "lr")], Choices((1e-4, 3e-4))),
        ("lr = 1e-4, 1", [("optimizer", "lr")], Choices((1e-4, 1.0))),
        ("lr-alpha=1e-4:1e-2:log", [("optimizer", "lr_alpha")], Span(1e-4, 1e-2, True, False)),
        ("guidance.k=0.3:0.7", [("guidance", "k")], Span(0.3, 0.7, False, False)),
        ("epochs=2:9", [("optimizer", "epochs")], Span(2, 9, False, True)),
        (
            "bits=8,4",
            [("quantization", "activation_bits"), ("quantization", "weight_bits")],
            Choices((8, 4)),
        ),
        ("sgt=true,false", [("guidance", "enabled")], Choices((True, False))),
        (
            "backbone=timm:regnetx_002,small_cnn",
            [("network", "backbone")],
            Choices(("timm:regnetx_002", "small_cnn")),
        ),
    ],
)
def test_an_axis_is_read(text: str, entries: list[tuple[str, str]], domain: object) -> None:
    axis = parse_axis(text)
    assert list(axis.entries) == entries
    assert axis.domain == domain


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("lr", "does not say what to vary"),
        ("saliency.k=1,2", r"there is no table \[saliency\]"),
        ("optimizer.rate=1,2", r"\[optimizer\] has no entry 'rate'"),
        ("rate=1,2", "no such flag"),
        ("lr=1e-4", "two different values"),
        ("lr=1,1.0", "two different values"),
        ("lr=1,fast", "'fast' is not a number"),
        ("lr=1,nan", "not a number that can be used"),
        ("epochs=1.5:3", "not a whole number"),
        ("sgt=yes,no", "not true or false"),
        ("lr=1:0.1", "not below the upper end"),
        ("lr=0:1:log", "begins above 0"),
        ("lr=1:2:cubic", "LOW:HIGH"),
        ("data.split_seed=0,1", "same images"),
        ("threads=1,2", "no setting that the result"),
        ("data.fractions=1,2", "same images"),
    ],
)
def test_what_cannot_be_varied_is_told(text: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        parse_axis(text)


def test_lists_are_combined_to_a_grid() -> None:
    points = draw_points([parse_axis("k=0.3,0.5"), parse_axis("bits=8,4,2")], None, 0)
    assert [(point["k"], point["bits"]) for point in points] == [
        (k, bits) for k in (0.3, 0.5) for bits in (8, 4, 2)
    ]


@given(seeds, st.integers(1, 20))
def test_a_range_is_drawn_anew_at_each_visit_of_the_grid(seed: int, count: int) -> None:
    axes = [parse_axis("bits=8,4,2"), parse_axis("lr=1e-5:1e-1:log")]
    points = draw_points(axes, count, seed)
    visits = [sum(point["bits"] == bits for point in points) for bits in (8, 4, 2)]
    assert len(points) == count
    assert max(visits) - min(visits) <= 1
    assert len({point["lr"] for point in points}) >= count - 2  # of four digits some may agree
    assert all(1e-5 <= float(point["lr"]) <= 1e-1 for point in points)


@given(seeds, st.integers(1, 8), st.integers(1, 8))
def test_more_trials_change_none_of_the_first(seed: int, count: int, more: int) -> None:
    axes = [parse_axis("k=0.1:0.9"), parse_axis("epochs=1:9"), parse_axis("bits=8,4,2")]
    assert draw_points(axes, count + more, seed)[:count] == draw_points(axes, count, seed)


@given(seeds)
def test_another_axis_changes_no_draw_of_the_first(seed: int) -> None:
    alone = draw_points([parse_axis("k=0.1:0.9")], 3, seed)
    both = draw_points([parse_axis("lr=1e-4:1e-2"), parse_axis("k=0.1:0.9")], 3, seed)
    assert [point["k"] for point in alone] == [point["k"] for point in both]


@given(seeds, st.integers(1, 5))
def test_a_part_of_the_grid_holds_no_point_twice(seed: int, count: int) -> None:
    points = draw_points([parse_axis("k=0.1,0.2"), parse_axis("bits=8,4,2")], count, seed)
    assert len({tuple(point.items()) for point in points}) == count


@given(
    st.floats(0, 1, exclude_max=True), st.floats(1e-6, 1e3), st.floats(1.001, 1e3), st.booleans()
)
def test_a_draw_lies_within_its_range_in_order(
    share: float, low: float, factor: float, is_log: bool
) -> None:
    span = Span(low, low * factor, is_log, is_whole=False)
    value = float(span.at(share))
    assert span.low <= float(span.at(0.0)) <= value <= span.high
    middle = math.sqrt(low * low * factor) if is_log else (low + low * factor) / 2
    assert float(span.at(0.5)) == pytest.approx(middle, rel=1e-3)


@given(st.integers(-50, 50), st.integers(1, 50))
def test_whole_numbers_are_as_likely_at_the_ends(low: int, width: int) -> None:
    span = Span(low, low + width, is_log=False, is_whole=True)
    drawn = [span.at((index + 0.5) / (width + 1)) for index in range(width + 1)]
    assert drawn == list(range(low, low + width + 1))


def test_ranges_need_a_count_and_lists_have_an_end() -> None:
    with pytest.raises(UsageError, match="--trials"):
        draw_points([parse_axis("k=0.1:0.9")], None, 0)
    with pytest.raises(UsageError, match="2 combinations"):
        draw_points([parse_axis("k=0.1,0.9")], 3, 0)
