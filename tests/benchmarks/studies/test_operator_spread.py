"""How far repeated profiles are apart, on times made by hand."""

from __future__ import annotations

from benchmarks.profile.operators import Operator, Operators
from benchmarks.studies.operator_spread import spread_rows


def profile(*times_ms):
    types = ("CONV_2D", "CONV_2D", "ADD")
    items = [
        Operator(f"{index} {kind}", kind, ms, False)
        for index, (kind, ms) in enumerate(zip(types, times_ms, strict=True))
    ]
    return Operators("by hand", "1.0", tuple(items))


def test_operators_may_differ_where_their_types_agree():
    found = [profile(0.100, 0.200, 0.010), profile(0.140, 0.160, 0.010)]
    single, types = spread_rows("litert", found)
    assert single == ("litert, operators", "3", "120", "40", "40", "40", "28%")
    assert types == ("litert, types", "2", "155", "0", "0", "0", "0%")
