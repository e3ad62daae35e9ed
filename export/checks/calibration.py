"""Whether the learned ranges fit real images: clipping, waste, drift and noise, layer by layer.

Numbers for the report, and a sentence with a remedy for each thing that a person should look at.
None of them is a gate: a range that clips much may be what training found best.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from export.checks.layer_noise import LayerNoise, measure_noise
from export.program import Program
from train.batches import image_batches
from train.quantization import QuantizedNetwork
from train.quantization.profile import SiteProfile, drift, profile_sites

__all__ = ["CalibrationChecks", "SiteCheck", "check_calibration"]

_BATCH = 16
# What the noise of every layer is measured on: 8 and 24 images differ by 0.1 dB (median of layers).
_NOISE_IMAGES = 12
# Where training itself calls a clip too tight (train.watch.findings).
_CLIPPED = 0.25
# A range whose largest value leaves two bits unused.
_UNUSED = 0.25
# Median over sites of the distance from the training's distribution, which has to exceed the
# sampling noise as well, twice. EfficientNet-Lite0 on 16 to 64 other images of its own training
# part: up to 0.007; on images of one class 0.017, in grey 0.026, with red and blue exchanged 0.040,
# enlarged from 28 pixels 0.068.
_DRIFT, _NOISES = 0.012, 2.0
# Below it a layer's own noise is more than a thirtieth of its signal (amplitude).
_LOW_SQNR_DB = 15.0
_WORST = 3


@dataclass(frozen=True)
class SiteCheck:
    """One site on the calibration images.

    Attributes:
        site: its name.
        bits: width.
        signed: whether it keeps negative values.
        alpha: learned clip.
        profile: how its integers are distributed.
        drift: distance to the distribution in training, in its standard deviations (see
            :func:`train.quantization.profile.drift`); None if the checkpoint has no record.
    """

    site: str
    bits: int
    signed: bool
    alpha: float
    profile: SiteProfile
    drift: float | None

    @property
    def is_dead(self) -> bool:
        """Whether nothing but zeros comes out of it."""
        return self.profile.largest == 0

    def to_json(self) -> dict[str, Any]:
        """For the report, with the entries of the profile, such as ``histogram`` (counts)."""
        return {
            "site": self.site,
            "bits": self.bits,
            "signed": self.signed,
            "alpha": self.alpha,
            **dataclasses.asdict(self.profile),
            "histogram": list(self.profile.histogram),
            "drift": self.drift,
        }


@dataclass(frozen=True)
class CalibrationChecks:
    """What was measured on the calibration images.

    Attributes:
        images: how many the sites were profiled on.
        noise_images: how many of them the noise was measured on.
        sampling_noise: median drift between the two halves of these images.
        sites: in the order of the network.
        layers: in execution order.
    """

    images: int
    noise_images: int
    sampling_noise: float
    sites: tuple[SiteCheck, ...]
    layers: tuple[LayerNoise, ...]

    @property
    def median_drift(self) -> float | None:
        """Median over the sites of their distance to the training; None without a record."""
        known = [site.drift for site in self.sites if site.drift is not None]
        return float(np.median(known)) if known else None

    @property
    def is_drifted(self) -> bool:
        """Whether the images look different to the network than those of its training did."""
        return (self.median_drift or 0.0) > max(_DRIFT, _NOISES * self.sampling_noise)

    @property
    def worst_layers(self) -> tuple[LayerNoise, ...]:
        """The three layers that add most noise of their own, the worst first."""
        measured = [layer for layer in self.layers if layer.own_sqnr_db is not None]
        return tuple(sorted(measured, key=lambda layer: layer.own_sqnr_db or 0.0)[:_WORST])

    @property
    def findings(self) -> tuple[str, ...]:
        """A sentence with a remedy for each thing to look at."""
        return tuple(_findings(self))

    def to_json(self) -> dict[str, Any]:
        """For the report."""
        return {
            "images": self.images,
            "noise_images": self.noise_images,
            "findings": list(self.findings),
            "median_drift": self.median_drift,
            "sampling_noise": self.sampling_noise,
            "is_drifted": self.is_drifted,
            "worst_layers": [layer.tensor for layer in self.worst_layers],
            "sites": [site.to_json() for site in self.sites],
            "layers": [layer.to_json() for layer in self.layers],
        }


def check_calibration(
    network: QuantizedNetwork,
    program: Program,
    images: NDArray[np.uint8],
    trained: Mapping[str, list[int]],
    advance: Callable[[int, str], None] = lambda done, detail: None,
) -> CalibrationChecks:
    """Measure the ranges of a network on real images.

    Args:
        network: quantising.
        program: what it was lowered to, without saliency.
        images: uint8 ``[N, H, W, 3]``.
        trained: site to its histogram in training, see
            :func:`train.quantization.profile.recorded_histograms`; may be empty.
        advance: told how many of two pieces of work are done, and which comes next.
    """
    advance(0, "ranges on calibration images")
    profiles = profile_sites(network, image_batches(images, _BATCH))
    sites = tuple(
        SiteCheck(
            site=name,
            bits=network.site_of(name).bits,
            signed=network.site_of(name).signed,
            alpha=float(network.site_of(name).alpha.detach()),
            profile=profile,
            drift=drift(profile.histogram, trained[name]) if name in trained else None,
        )
        for name, profile in profiles.items()
    )
    halves = (images[: len(images) // 2], images[len(images) // 2 :])
    one, other = (profile_sites(network, image_batches(half, _BATCH)) for half in halves)
    noise = np.median([drift(one[name].histogram, other[name].histogram) for name in profiles])
    advance(1, "noise of every layer")
    sampled = images[:_NOISE_IMAGES]
    layers = measure_noise(network, program, sampled)
    advance(2, "")
    return CalibrationChecks(len(images), len(sampled), float(noise), sites, layers)


def _findings(checks: CalibrationChecks) -> Iterator[str]:
    """Cases, each with the worst site or layer named."""
    sites, count = checks.sites, len(checks.sites)
    dead = [site for site in sites if site.is_dead]
    if dead:
        yield (
            f"{_few(dead)} gave nothing but zeros on {checks.images} images, so that what lies "
            "behind sees no picture: train again with a lower --lr, or drop the layer."
        )
    clipped = [site for site in sites if site.profile.clipped > _CLIPPED]
    if clipped:
        worst = max(clipped, key=lambda site: site.profile.clipped)
        yield (
            f"{len(clipped)} of {count} sites clip more than {_CLIPPED:.0%} of their values "
            f"({worst.site} {worst.profile.clipped:.0%}): train on with a lower --eta or "
            "--lr-alpha, if accuracy or maps are worse than in float."
        )
    wide = [site for site in sites if 0 < site.profile.largest <= _UNUSED]
    if wide:
        worst = min(wide, key=lambda site: site.profile.largest)
        yield (
            f"{len(wide)} of {count} sites use less than a quarter of their range ({worst.site} "
            f"{worst.profile.largest:.0%}), which wastes two bits: train on with a higher --eta, "
            "or calibrate on images that show what the network will see."
        )
    if checks.is_drifted:
        worst = max(sites, key=lambda site: site.drift or 0.0)
        yield (
            f"the calibration images look different to the network than those of its training did "
            f"(median drift {checks.median_drift:.3f} standard deviations, by chance "
            f"{checks.sampling_noise:.3f}; most at {worst.site}): make sure that they are the "
            "pictures that the run was trained on, of all classes, in the same colours and of the "
            "same size."
        )
    # A layer that only hands on the values of another has its figures, too.
    noisy: dict[str, list[str]] = {}
    for layer in checks.worst_layers:
        if layer.own_sqnr_db is not None and layer.own_sqnr_db < _LOW_SQNR_DB:
            noisy.setdefault(_noise(layer), []).append(layer.tensor)
    for told, names in noisy.items():
        start = "adds much noise of its own" if len(names) == 1 else "add much noise of their own"
        yield f"{' and '.join(names)} {start} {told}"


def _noise(layer: LayerNoise) -> str:
    start = f"({layer.own_sqnr_db:.1f} dB)"
    if layer.clipped_noise > 0.5:
        return (
            f"{start}, {layer.clipped_noise:.0%} of it by clipping {layer.beyond:.1%} of its "
            "values: its alpha is below what the float network gives, which training may have "
            "chosen; a lower --eta keeps more."
        )
    return (
        f"{start}, most of it by rounding: give it more bits, or learned steps "
        "(--weight-quantizer lsq, --activation-quantizer lsq)."
    )


def _few(sites: list[SiteCheck]) -> str:
    names = ", ".join(site.site for site in sites[:_WORST])
    return names if len(sites) <= _WORST else f"{names} and {len(sites) - _WORST} more"
