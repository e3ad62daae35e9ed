"""Move the ranges of sums by millionths, so that every kernel rounds every sum alike.

Kernels add bytes in arithmetic of their own: torch in float32; ONNX Runtime in float32 on bytes
with their zero points on x86, and in whole numbers with multipliers of 22 bits on arm64; XNNPACK in
whole numbers with multipliers of 21 bits. They differ only where the exact sum of two integers lies
within about 6e-5 of a tie of the output's grid. Two summands of 8 bits have but 65,536 pairs of
integers, of which an accident of the ranges puts none to a dozen there. If such a pair is a common
one, an engine is a step off at the same values of every image, and the layers behind can turn that
into many steps. No form of an integer sum that XNNPACK takes is more precise, so it is the pairs
that have to move.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from export.program import ProgramTensor
from train.quantization import QuantizedNetwork
from train.quantization.fake_quantize import lowest_level
from train.quantization.site import Site

__all__ = ["Grid", "ambiguous_pairs", "settle_sums", "settled_scale"]

Floats = NDArray[np.float64]

_XNNPACK_BITS, _NEON_BITS = 21, 22
# Where to look, in units in the last place of an alpha, each at most 2^-23 of its value: up to so
# many strides away. The nearest will do but where one scale is half another, exactly: then every
# second sum is a tie, and has to move by more than what a float32 with a zero point rounds off.
# Where scales are far apart, what will do can be a narrow place between two strides: then each
# number moves alone by small steps, just as far.
_STRIDES, _FURTHEST = (1, 8, 64), 4
_SMALL_STEP = 4


@dataclass(frozen=True)
class Grid:
    """The integers of a tensor: from ``low`` to ``high``, each ``scale`` large."""

    scale: np.float32
    low: int
    high: int
    signed: bool

    @classmethod
    def of(cls, spec: ProgramTensor) -> Grid:
        """The integers of a quantised tensor of a program."""
        return cls(np.float32(spec.scale), spec.low, spec.high, spec.signed)

    @property
    def values(self) -> Floats:
        """All integers, float64 ``[levels]``."""
        return np.arange(self.low, self.high + 1, dtype=np.float64)

    def clip(self, steps: Floats) -> Floats:
        """What a kernel writes for these integers."""
        return np.clip(steps, self.low, self.high)


def ambiguous_pairs(left: Grid, right: Grid, target: Grid) -> NDArray[np.intp]:
    """The pairs of integers whose sum some kernel rounds otherwise than exact arithmetic does.

    Args:
        left: the first summand.
        right: the second.
        target: what the sum is written to.

    Returns:
        int ``[P, 2]``, canonical integers of the two summands.

    Examples:
        >>> import numpy as np
        >>> fine, coarse = (Grid(np.float32(scale), 0, 3, signed=False) for scale in (0.5, 1.0))
        >>> ambiguous_pairs(fine, coarse, coarse).tolist()  # 0.5 and 2.5: XNNPACK rounds up
        [[1, 0], [1, 2], [3, 1]]
    """
    a, b = left.values[:, None], right.values[None, :]
    total = a * float(left.scale) + b * float(right.scale)
    exact = target.clip(np.rint(total / float(target.scale)))
    ratios = (left.scale / target.scale, right.scale / target.scale)
    wrong = np.zeros(exact.shape, bool)
    kernels = (
        _xnnpack(_whole(a, b, *ratios, _XNNPACK_BITS)),
        _onnx_runtime_neon(_whole(a, b, *ratios, _NEON_BITS)),
        *_float32(a, b, *ratios, left, right, target),
    )
    for kernel in kernels:
        wrong |= target.clip(kernel) != exact
    pairs: NDArray[np.intp] = np.argwhere(wrong) + np.array([left.low, right.low])
    return pairs


def _whole(a: Floats, b: Floats, first: np.float32, second: np.float32, bits: int) -> Floats:
    """The sum in steps by whole multipliers, of which the larger one has so many bits."""
    shift = bits - int(np.frexp(max(first, second))[1])
    multipliers = [np.rint(np.ldexp(float(ratio), shift)) for ratio in (first, second)]
    # All below 2^53, so that float64 holds every number here exactly.
    steps: Floats = np.ldexp(a * multipliers[0] + b * multipliers[1], -shift)
    return steps


def _xnnpack(steps: Floats) -> Floats:
    """Halves go up."""
    rounded: Floats = np.floor(steps + 0.5)
    return rounded


def _onnx_runtime_neon(steps: Floats) -> Floats:
    """Halves go away from zero."""
    rounded: Floats = np.copysign(np.floor(np.abs(steps) + 0.5), steps)
    return rounded


def _float32(
    a: Floats, b: Floats, first: np.float32, second: np.float32, left: Grid, right: Grid, out: Grid
) -> Iterator[Floats]:
    """In torch, on integers around zero; in ONNX Runtime on x86, on bytes, fused or not."""
    narrow = np.float32
    yield np.rint(narrow(a * first) + narrow(b * second)).astype(np.float64)
    zeros = [narrow(128 if grid.signed else 0) for grid in (left, right, out)]
    fixed = zeros[2] - (first * zeros[0] + second * zeros[1])
    bytes_a, bytes_b = a + zeros[0], b + zeros[1]
    separate = narrow(bytes_a * first) + (fixed + narrow(bytes_b * second))
    fused = narrow(bytes_a * first + narrow(fixed + bytes_b * second))
    for total in (separate, fused):
        yield np.rint(total).astype(np.float64) - float(zeros[2])


def settle_sums(network: QuantizedNetwork) -> dict[str, float]:
    """Change alphas in place until no sum of the network has an ambiguous pair.

    Sums are taken from the last to the first: the range of a sum is settled before those of its
    summands, which move by the fewest units in the last place that do.

    Case 1: no pair is ambiguous: nothing moves.
    Case 2: a summand's site also is a later sum's, or its sum's own: only the other summand moves.
    Case 3: none may move, or none of the places nearby is better: the pairs stay, and the gates
    judge what they do.

    Args:
        network: quantising.

    Returns:
        Site to the change of its alpha, as a share of it; at most 2^-15 (31 millionths).
    """
    before = network.alphas()
    settled: set[Site] = set()
    for node in reversed(network.graph.nodes):
        if node.operation != "add" or network.graph.image.name in node.inputs:
            continue
        left, right = (network.site_of(name) for name in node.inputs)
        target = network.site_of(node.name)
        movable = [site for site in dict.fromkeys((left, right)) if site not in settled | {target}]
        _settle(left, right, target, movable)
        settled |= {left, right, target}
    return {
        name: alpha / before[name] - 1
        for name, alpha in network.alphas().items()
        if alpha != before[name]
    }


def settled_scale(left: Grid, right: Grid, target: Grid) -> np.float32:
    """The scale nearest to the target's with which no pair is ambiguous.

    Args:
        left: the first summand.
        right: the second.
        target: what the sum is written to; nothing but this sum has its scale.

    Returns:
        At most 2^-15 (31 millionths) from the target's; the target's own if none nearby will do.
    """
    for (offset,) in _offsets(1):
        scale = (target.scale.view(np.int32) + np.int32(offset)).view(np.float32)
        if not len(ambiguous_pairs(left, right, replace(target, scale=scale))):
            return np.float32(scale)
    return target.scale


def _settle(left: Site, right: Site, target: Site, movable: list[Site]) -> None:
    start = [site.alpha.detach().clone() for site in movable]
    for offsets in _offsets(len(movable)):
        for site, alpha, offset in zip(movable, start, offsets, strict=True):
            _set_alpha(site, alpha, offset)
        if not len(ambiguous_pairs(*(_grid(site) for site in (left, right, target)))):
            return
    for site, alpha in zip(movable, start, strict=True):
        _set_alpha(site, alpha, 0)


def _offsets(count: int) -> Iterator[tuple[int, ...]]:
    """Where to look, in units in the last place of each number: the nearest first."""
    places = list(itertools.product(range(-_FURTHEST, _FURTHEST + 1), repeat=count))
    places.sort(key=lambda place: max(map(abs, place), default=0))
    for stride in _STRIDES:
        yield from (tuple(stride * steps for steps in place) for place in places)
    for distance in range(_SMALL_STEP, _STRIDES[-1] * _FURTHEST + 1, _SMALL_STEP):
        for index, signed in itertools.product(range(count), (-distance, distance)):
            yield tuple(signed if place == index else 0 for place in range(count))


def _set_alpha(site: Site, start: torch.Tensor, offset: int) -> None:
    """``start`` and so many units in its last place."""
    with torch.no_grad():
        site.alpha.copy_((start.view(torch.int32) + offset).view(torch.float32))


def _grid(site: Site) -> Grid:
    return Grid(
        np.float32(site.scale.item()),
        lowest_level(site.bits, site.signed),
        site.clip.levels,
        site.signed,
    )
