"""What cannot be read keeps its reason, in memory and in JSON."""

from __future__ import annotations

import pytest

from benchmarks.absent import Absent, or_absent, to_json


def test_an_absent_figure_is_an_object_with_its_reason():
    assert to_json(Absent("no such sensor")) == {"absent": "no such sensor"}


def test_a_figure_is_itself_even_if_it_is_zero():
    assert to_json(0) == 0
    assert or_absent(0, int) == 0


def test_an_absent_figure_reads_back():
    assert or_absent({"absent": "no such sensor"}, int) == Absent("no such sensor")


def test_there_is_no_absence_without_a_reason():
    with pytest.raises(ValueError, match="reason"):
        Absent("")
