"""Each rule of advice holds where it should and is silent elsewhere."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks.absent import Absent
from benchmarks.profile.advice import RULES, Facts, advise, has_dot_product

UNKNOWN = Absent("unknown")
WELL = Facts(
    int8_ms=2.0,
    float_ms=5.0,
    one_thread_ms=3.0,
    threads=2,
    processors=4,
    dot_product=True,
    float_share=0.0,
    convert_share=0.01,
    operators_ms=1.8,
    throttled=(),
    load=0.1,
)
BROKEN = {
    "throttled": ({"throttled": ("too hot",)}, "too hot"),
    "busy": ({"load": 3.5}, "load 3.5 on 4 processors"),
    "more threads than processors": ({"threads": 8}, "give --threads 4"),
    "too many threads": ({"one_thread_ms": 1.2}, "than one (1.20 ms)"),
    "no dot product": ({"dot_product": False}, "no INT8 dot product"),
    "partly float": ({"float_share": 0.4}, "40% of the time"),
    "conversions": ({"convert_share": 0.25}, "25% of the time"),
    "overhead": ({"operators_ms": 0.5}, "0.500 of 2.000 ms"),
}


def test_every_rule_is_tested():
    assert [rule.name for rule in RULES] == list(BROKEN)


@pytest.mark.parametrize("name", BROKEN)
def test_a_rule_holds_alone_and_gives_its_figures(name):
    change, says = BROKEN[name]
    facts = replace(WELL, float_ms=1.9, **change)
    assert [rule.name for rule in RULES if rule.holds(facts)] == [name]
    head, sentence = advise(facts)
    assert head.startswith("INT8 is not clearly faster than float: 2.00 ms, float 1.90 ms")
    assert says in sentence


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_no_rule_holds_where_all_is_well(rule):
    assert not rule.holds(WELL)


def test_what_could_not_be_read_gives_no_advice():
    facts = replace(
        WELL, one_thread_ms=UNKNOWN, dot_product=UNKNOWN, throttled=UNKNOWN, load=UNKNOWN
    )
    assert not [rule.name for rule in RULES if rule.holds(facts)]


def test_where_int8_is_the_fastest_only_what_matters_anyway_is_told():
    assert advise(WELL) == ["INT8 is the fastest: 2.00 ms, float 5.00 ms (2.50 times)."]
    told = advise(replace(WELL, dot_product=False, throttled=("too hot",)))
    assert len(told) == 2
    assert "too hot" in told[1]


def test_without_a_reason_that_is_said():
    assert "None of the known reasons" in advise(replace(WELL, float_ms=2.0))[1]


def test_without_a_float_graph_nothing_is_claimed():
    assert "no float graph" in advise(replace(WELL, float_ms=UNKNOWN))[0]


@pytest.mark.parametrize(
    ("flags", "found"), [(["asimd", "asimddp"], True), (["asimd"], False), (["avx512_vnni"], True)]
)
def test_the_dot_product_is_a_feature_of_the_processor(flags, found):
    assert has_dot_product({"cpu_flags": flags}) is found


def test_unknown_features_are_not_missing_features():
    assert isinstance(has_dot_product({"cpu_flags": {"absent": "no file"}}), Absent)
