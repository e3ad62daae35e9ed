"""Peaks of memory as a file and as a table."""

from __future__ import annotations

import pytest

from benchmarks.vm.memory import Peak, joined, memory_table, peaks_text, read_peaks
from edge_runtime.errors import ArtifactError

PEAKS = (
    Peak("cortex-a53", 512, 475.1, 160, "litert", "none", 97.4),
    Peak("cortex-a53", 512, 475.1, 160, "litert", "gradient", 114.1),
    Peak("cortex-a53", 1024, 977.4, 160, "litert", "none", 100.0),
)


def test_the_file_is_read_as_it_was_written(tmp_path):
    (tmp_path / "peaks.json").write_text(peaks_text(PEAKS))
    assert read_peaks(tmp_path / "peaks.json") == PEAKS


@pytest.mark.parametrize("text", ["", "[1]", '[{"memory_mib": 512}]'])
def test_a_damaged_file_is_refused(tmp_path, text):
    (tmp_path / "peaks.json").write_text(text)
    with pytest.raises(ArtifactError, match="peaks of memory"):
        read_peaks(tmp_path / "peaks.json")


def test_a_new_measurement_replaces_that_of_its_machine_and_input_alone():
    other = Peak("cortex-a53", 512, 475.1, 96, "onnx", "none", 90.0)
    again = Peak("cortex-a53", 512, 475.1, 160, "onnx", "none", 118.0)
    assert joined(PEAKS, [again, other]) == [other, again, PEAKS[2]]


def test_a_row_is_a_machine_and_a_column_a_map():
    assert memory_table(PEAKS).splitlines() == [
        "| machine | left to programs | input | engine | no map | gradient |",
        "| --- | --- | --- | --- | --- | --- |",
        "| 512 MB | 475 MiB | 160 x 160 | LiteRT | 97 MiB | 114 MiB |",
        "| 1024 MB | 977 MiB | 160 x 160 | LiteRT | 100 MiB |  |",
    ]
