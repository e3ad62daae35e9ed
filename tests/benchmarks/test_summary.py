"""Figures and ratios of rounds that were made by hand."""

from __future__ import annotations

import pytest

from benchmarks.absent import Absent
from benchmarks.configurations import Configuration
from benchmarks.summary import ratios, summarize

INT8 = Configuration("onnx", "int8", "none")
FLOAT = Configuration("onnx", "float32", "none")
GRADIENT = Configuration("onnx", "int8", "gradient")
OTHER_ENGINE = Configuration("litert", "int8", "none")


def test_percentiles_are_over_the_samples_of_all_rounds(make_round):
    summary = summarize([make_round(1, 2, 3), make_round(4, 5)])
    assert summary.samples == 5
    assert summary.stages_ms["inference"]["p50"] == pytest.approx(3.0)
    assert summary.stages_ms["preprocess"]["p50"] == pytest.approx(1.0)
    assert summary.stages_ms["total"]["p50"] == pytest.approx(4.0)


def test_the_medians_of_the_rounds_show_how_far_they_agree(make_round):
    summary = summarize([make_round(1, 2, 3), make_round(4, 5)])
    assert summary.inference_p50_by_round_ms == (2.0, 4.5)


def test_the_frame_rate_counts_preprocessing_and_inference(make_round):
    # Two frames of 1 + 3 ms and 1 + 5 ms: 2 frames in 10 ms.
    assert summarize([make_round(3, 5)]).fps == pytest.approx(200.0)


def test_memory_is_the_median_after_loading_and_the_largest_peak(make_round):
    rounds = [make_round(1, memory_after_load=value, memory_peak=10 * value) for value in (5, 9, 6)]
    summary = summarize(rounds)
    assert summary.memory_after_load_bytes == 6
    assert summary.memory_peak_bytes == 90


def test_memory_that_one_round_could_not_read_is_absent(make_round):
    unread = Absent("status cannot be read")
    summary = summarize([make_round(1), make_round(1, memory_peak=unread)])
    assert summary.memory_peak_bytes == unread
    assert summary.to_json()["memory_peak_bytes"] == {"absent": "status cannot be read"}


def test_int8_is_compared_with_float_and_a_map_with_none(make_round):
    found = ratios(
        {
            INT8: [make_round(2), make_round(4)],
            GRADIENT: [make_round(6), make_round(10)],
            FLOAT: [make_round(4), make_round(16)],
            OTHER_ENGINE: [make_round(1), make_round(1)],
        }
    )
    assert [(ratio.kind, ratio.numerator, ratio.denominator) for ratio in found] == [
        ("precision", INT8, FLOAT),
        ("saliency", GRADIENT, INT8),
    ]
    assert found[0].interval.rounds == (0.5, 0.25)
    assert found[1].interval.rounds == (3.0, 2.5)
    assert found[1].interval.median == pytest.approx(2.75)


def test_a_ratio_takes_the_median_of_each_round_not_of_all(make_round):
    found = ratios({INT8: [make_round(1, 1, 100)], FLOAT: [make_round(2, 2, 2)]})
    assert found[0].interval.rounds == (0.5,)


def test_there_is_nothing_to_summarise_without_rounds():
    with pytest.raises(ValueError, match="no round"):
        summarize([])


def test_a_map_adds_a_difference_to_the_plain_inference(make_round):
    measured = {INT8: [make_round(2), make_round(3)], GRADIENT: [make_round(6), make_round(6)]}
    (ratio,) = ratios(measured)
    assert ratio.difference_ms == pytest.approx(3.5)
    assert ratio.to_json()["difference_ms"] == pytest.approx(3.5)
