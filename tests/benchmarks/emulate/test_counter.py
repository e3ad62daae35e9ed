"""The plugin's file of counts; the plugin itself is tested where qemu is (tests/arm64)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.emulate.counter import read_counts


@given(st.lists(st.tuples(st.integers(0, 2**63), st.integers(0, 2**63)), max_size=20))
def test_a_count_is_the_difference_of_a_pair(tmp_path_factory, pairs):
    path = tmp_path_factory.mktemp("counts") / "counts"
    path.write_text("".join(f"0 {begin}\n0 {begin + count}\n" for begin, count in pairs))
    assert read_counts(path) == tuple(count for _, count in pairs)


@pytest.mark.parametrize(
    ("text", "said"), [("0 5\n", "no pairs"), ("0 5\n1 9\n", "two threads"), ("0\n0\n", "values")]
)
def test_a_damaged_file_is_refused(tmp_path, text, said):
    path = tmp_path / "counts"
    path.write_text(text)
    with pytest.raises(ValueError, match=said):
        read_counts(path)
