"""How the integers of each site are distributed over its range: once in training, later again.

The distribution that a network was trained with goes into its checkpoint, so that whoever measures
on other images can tell whether they still look the same to the network.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from train.quantization.network import QuantizedNetwork
from train.quantization.site import Site

__all__ = ["PROFILE_BINS", "SiteProfile", "drift", "profile_sites", "recorded_histograms"]

PROFILE_BINS = 32
# Of each site and batch; enough for shares of a thousandth.
_SAMPLED_VALUES = 1 << 16


@dataclass(frozen=True)
class SiteProfile:
    """The integers of one site over some images.

    Attributes:
        histogram: counts of a sample over 32 equal bins of the range: [0, levels], or
            [-levels, levels] if signed; the upper end belongs to the last bin.
        zero: share of zeros.
        clipped: share of values at the clip.
        largest: largest magnitude over the levels, 0 to 1.
        dead_channels: share of the channels that are zero everywhere.
    """

    histogram: tuple[int, ...]
    zero: float
    clipped: float
    largest: float
    dead_channels: float


class _Collector:
    """Counts of each integer of a site, summed over its calls."""

    def __init__(self, site: Site) -> None:
        self.levels, self.signed = site.clip.levels, site.signed
        size = 2 * self.levels + 1 if self.signed else self.levels + 1
        self.counts = torch.zeros(size, dtype=torch.int64)
        # A site that is shared by several tensors may see other numbers of channels.
        self.channel_peaks: dict[int, Tensor] = {}

    def __call__(self, _site: Site, _inputs: tuple[Tensor, ...], output: Tensor) -> None:
        integers = output.detach()
        flat = integers.reshape(-1)
        sample = flat[:: max(1, flat.numel() // _SAMPLED_VALUES)]
        lowest = -self.levels if self.signed else 0
        index = (sample.clamp(lowest, self.levels) - lowest).long()
        self.counts += torch.bincount(index, minlength=len(self.counts)).cpu()
        peaks = integers.abs().transpose(0, 1).flatten(1).amax(dim=1).cpu()
        earlier = self.channel_peaks.get(len(peaks), peaks)
        self.channel_peaks[len(peaks)] = torch.maximum(earlier, peaks)

    def profile(self) -> SiteProfile:
        total = int(self.counts.sum())
        zero = self.levels if self.signed else 0
        at_clip = self.counts[-1] + (self.counts[0] if self.signed else 0)
        peaks = torch.cat(list(self.channel_peaks.values()))
        position = torch.arange(len(self.counts)) / (len(self.counts) - 1)
        bins = (position * PROFILE_BINS).long().clamp(max=PROFILE_BINS - 1)
        histogram = torch.zeros(PROFILE_BINS, dtype=torch.int64).index_add_(0, bins, self.counts)
        return SiteProfile(
            histogram=tuple(histogram.tolist()),
            zero=float(self.counts[zero]) / total,
            clipped=float(at_clip) / total,
            largest=min(1.0, float(peaks.max()) / self.levels),
            dead_channels=float((peaks == 0).float().mean()),
        )


@torch.no_grad()
def profile_sites(network: QuantizedNetwork, batches: Iterable[Tensor]) -> dict[str, SiteProfile]:
    """Profile every site of a quantising network.

    Args:
        network: it is left as it was.
        batches: float32 ``[N, 3, H, W]`` byte values, one at least.
    """
    collectors = {name: _Collector(network.site_of(name)) for name in network.sites}
    hooks = [
        network.site_of(name).register_forward_hook(collector)
        for name, collector in collectors.items()
    ]
    try:
        for batch in batches:
            network(batch)
    finally:
        for hook in hooks:
            hook.remove()
    return {name: collector.profile() for name, collector in collectors.items()}


def drift(histogram: Iterable[int], earlier: Iterable[int]) -> float:
    """How far a distribution has moved, in standard deviations of the earlier one.

    The earth mover's distance (Wasserstein-1) of two histograms over the same bins, 0 if they are
    equal. A deviation below half a bin, which cannot be told from none, counts as half a bin.
    """
    one, other = (
        torch.tensor(list(counts), dtype=torch.float64) for counts in (histogram, earlier)
    )
    one, other = one / one.sum(), other / other.sum()
    distance = float(torch.cumsum(one - other, dim=0).abs().sum())
    place = torch.arange(len(other), dtype=torch.float64)
    mean = (other * place).sum()
    deviation = float((other * (place - mean).square()).sum().sqrt())
    return distance / max(deviation, 0.5)


def _shares(counts: Iterable[int]) -> Tensor:
    numbers = torch.tensor(list(counts), dtype=torch.float64)
    return numbers / numbers.sum()


def recorded_histograms(metadata: Mapping[str, Any]) -> dict[str, list[int]]:
    """Site to the histogram that the checkpoint's metadata holds; empty if it has none."""
    record = metadata.get("activations")
    found = record.get("histograms", {}) if isinstance(record, dict) else {}
    return {
        name: counts
        for name, counts in found.items()
        if isinstance(counts, list)
        and len(counts) == PROFILE_BINS
        and all(isinstance(count, int) and count >= 0 for count in counts)
        and sum(counts) > 0
    }
