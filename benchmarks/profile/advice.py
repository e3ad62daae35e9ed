"""What to do where INT8 is not the fastest: rules as data, each with its sentence."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks.absent import Absent

__all__ = ["RULES", "Facts", "Rule", "advise", "has_dot_product"]

_DOT_PRODUCTS = ("asimddp", "avx512_vnni", "avx_vnni", "avx_vnni_int8", "amx_int8")
_MUCH = 0.10
_CLEARLY = 1.03


@dataclass(frozen=True)
class Facts:
    """What was measured of one graph in one engine, and where.

    Attributes:
        int8_ms: Median inference of the INT8 graph.
        float_ms: That of the float graph.
        one_thread_ms: That of the INT8 graph with one thread; Absent if one is all that was asked.
        threads: Threads of the engine.
        processors: Processors that may be used.
        dot_product: Whether the processor multiplies bytes four at a time.
        float_share: Share of the INT8 graph's time in floating-point operators.
        convert_share: Share of it in going between bytes and floating point.
        operators_ms: Time of all operators of the INT8 graph together.
        throttled: What the firmware says is so now.
        load: Load of the last minute before anything was measured.
    """

    int8_ms: float
    float_ms: float | Absent
    one_thread_ms: float | Absent
    threads: int
    processors: int
    dot_product: bool | Absent
    float_share: float
    convert_share: float
    operators_ms: float
    throttled: tuple[str, ...] | Absent
    load: float | Absent

    @property
    def int8_is_fastest(self) -> bool | Absent:
        """Whether INT8 is clearly faster than float."""
        if isinstance(self.float_ms, Absent):
            return self.float_ms
        return self.int8_ms * _CLEARLY < self.float_ms


@dataclass(frozen=True)
class Rule:
    """A reason why INT8 may be slow here, and what to do.

    Attributes:
        name: For looking up.
        holds: Whether the facts say so; a fact that is absent says nothing.
        sentence: What to tell, with the facts' names in braces.
        always: Told where INT8 is the fastest, too.
    """

    name: str
    holds: Callable[[Facts], bool]
    sentence: str
    always: bool = False

    def text(self, facts: Facts) -> str:
        """Return the sentence with its figures."""
        return self.sentence.format(**vars(facts))


def _more_threads_are_slower(facts: Facts) -> bool:
    slower = facts.one_thread_ms
    return not isinstance(slower, Absent) and slower * _CLEARLY < facts.int8_ms


RULES: tuple[Rule, ...] = (
    Rule(
        "throttled",
        lambda facts: not isinstance(facts.throttled, Absent) and bool(facts.throttled),
        "The board protects itself now ({throttled}), so that no figure holds: cool it, check its "
        "supply, and measure again.",
        always=True,
    ),
    Rule(
        "busy",
        lambda facts: not isinstance(facts.load, Absent) and facts.load > facts.processors / 2,
        "The machine did other work before (load {load:g} on {processors} processors): end it and "
        "measure again.",
        always=True,
    ),
    Rule(
        "more threads than processors",
        lambda facts: facts.threads > facts.processors,
        "{threads} threads share {processors} processors: give --threads {processors} or fewer.",
        always=True,
    ),
    Rule(
        "too many threads",
        _more_threads_are_slower,
        "{threads} threads take longer ({int8_ms:.2f} ms) than one ({one_thread_ms:.2f} ms): the "
        "network is too small to share; give --threads 1.",
        always=True,
    ),
    Rule(
        "no dot product",
        lambda facts: facts.dot_product is False,
        "This processor has no INT8 dot product, so that bytes are multiplied hardly faster than "
        "floating point; INT8 still takes a quarter of the space. A Cortex-A76 (Raspberry Pi 5) "
        "has one.",
    ),
    Rule(
        "partly float",
        lambda facts: facts.float_share > _MUCH,
        "{float_share:.0%} of the time of the INT8 graph is in floating-point operators: export "
        "again with this version, whose graphs are integer throughout, or see which operators of "
        "the network stay in float.",
    ),
    Rule(
        "conversions",
        lambda facts: facts.convert_share > _MUCH,
        "{convert_share:.0%} of the time goes into converting between bytes and floating point: "
        "the graph changes between them too often; export again with this version.",
    ),
    Rule(
        "overhead",
        lambda facts: facts.operators_ms < facts.int8_ms / 2,
        "The operators take {operators_ms:.3f} of {int8_ms:.3f} ms: the network is so small that "
        "the engine's own work decides, and INT8 cannot make that faster.",
    ),
)
"""In the order of telling: what makes figures worthless comes first."""


def advise(facts: Facts) -> list[str]:
    """Return the verdict and the sentences of all rules that hold."""
    fastest = facts.int8_is_fastest
    held = [rule for rule in RULES if rule.holds(facts)]
    if isinstance(fastest, Absent):
        head = f"INT8 takes {facts.int8_ms:.2f} ms; there is no float graph here to compare with."
    elif fastest:
        head = f"INT8 is the fastest: {_figures(facts)}."
        held = [rule for rule in held if rule.always]
    else:
        head = f"INT8 is not clearly faster than float: {_figures(facts)}."
    told = [rule.text(facts) for rule in held]
    if not held and fastest is False:
        told = ["None of the known reasons holds here; the table shows where the time goes."]
    return [head, *told]


def has_dot_product(machine: Mapping[str, Any]) -> bool | Absent:
    """Read the conditions: whether the processor has an INT8 dot product."""
    flags = machine["cpu_flags"]
    if not isinstance(flags, list):
        return Absent("the processor's features are unknown")
    return any(flag in flags for flag in _DOT_PRODUCTS)


def _figures(facts: Facts) -> str:
    assert not isinstance(facts.float_ms, Absent)
    return (
        f"{facts.int8_ms:.2f} ms, float {facts.float_ms:.2f} ms "
        f"({facts.float_ms / facts.int8_ms:.2f} times)"
    )
