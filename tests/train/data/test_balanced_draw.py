"""A few images of each class, the same on every machine."""

from __future__ import annotations

from collections import Counter

from train.data import Sample
from train.data.sampling import balanced_draw

SAMPLES = tuple(
    Sample(key=f"{label}/{index}", label=label, group=f"{label}/{index}")
    for label, count in (("a", 40), ("b", 6), ("c", 20))
    for index in range(count)
)


def _drawn(samples, count, seed=0):
    return [samples[position] for position in balanced_draw(samples, count, seed)]


def test_every_class_gives_as_many_images_until_it_runs_out():
    drawn = _drawn(SAMPLES, 30)
    assert Counter(sample.label for sample in drawn) == {"a": 12, "b": 6, "c": 12}
    assert len(set(drawn)) == 30


def test_the_draw_is_fixed_by_its_seed_and_begins_as_a_smaller_one():
    assert _drawn(SAMPLES, 30)[:9] == _drawn(SAMPLES, 9)
    assert _drawn(SAMPLES, 9) != _drawn(SAMPLES, 9, seed=1)
    assert _drawn(SAMPLES[::-1], 9) == _drawn(SAMPLES, 9)


def test_a_small_data_set_is_drawn_whole():
    assert set(_drawn(SAMPLES, 500)) == set(SAMPLES)
