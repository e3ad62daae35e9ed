"""The evidence inside a bundle: ranges, feature statistics, golden outputs and gates.

Every class checks itself when it is made (``ValueError``), see :class:`edge_runtime.record.Record`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Annotated, Literal

from edge_runtime.bundle.graphs import FileName, check_file_name
from edge_runtime.quick_dataclass import dataclass
from edge_runtime.record import Record, entry

_MAPS = ("gradient", "gradient-early", "cam")
_MODES = entry(propertyNames={"enum": list(_MAPS)})

__all__ = ["FeatureStatistics", "Gate", "Golden", "SiteQuantization"]


@dataclass(frozen=True)
class SiteQuantization(Record):
    """How the tensor at one site of the network is quantised.

    Attributes:
        site: Name of the activation site, e.g. ``blocks.3.add``.
        alpha: Learned clip (PACT, arXiv:1805.06085): values lie in [0, alpha], or in
            [-alpha, alpha] if signed.
        bits: 2 to 8.
        signed: Whether negative values are kept.
        scale: Real value of one step; alpha / (2^bits - 1), signed alpha / (2^(bits-1) - 1).
    """

    site: str
    alpha: Annotated[float, entry(exclusiveMinimum=0)]
    bits: Annotated[int, entry(minimum=2, maximum=8)]
    signed: bool
    scale: Annotated[float, entry(exclusiveMinimum=0)]

    def __post_init__(self) -> None:
        if not 2 <= self.bits <= 8:
            raise ValueError(f"site {self.site!r} has {self.bits} bits, not 2 to 8")
        if not (self.alpha > 0 and self.scale > 0):
            raise ValueError(f"site {self.site!r} has an alpha or scale that is not positive")


@dataclass(frozen=True)
class FeatureStatistics(Record):
    """Where the statistics of ``features`` over the training images lie.

    Attributes:
        size: F, the number of features.
        count: Images that were measured.
        mean_file: ``.npy``, float32 ``[F]``.
        shrinkage: Share of the scaled identity in the covariance (Ledoit and Wolf, 2004), 0 to 1.
        whitening_file: ``.npy``, float16 ``[F (F + 1) / 2]``: the inverse of Cholesky's factor of
            the covariance, its rows up to the diagonal one after the other.
        whitening_scale: What they are to be multiplied with.
        covariance_file: ``.npy``, float32 ``[F, F]``, in place of ``whitening_file`` in bundles
            before schema 1.6.
        threshold: Mahalanobis' distance beyond which a picture is unlike the training images; None
            in bundles before schema 1.3.
        false_alarm_rate: Share of training images, left out of the statistics, that are beyond it.
    """

    size: Annotated[int, entry(minimum=1)]
    count: Annotated[int, entry(minimum=1)]
    mean_file: FileName
    shrinkage: Annotated[float, entry(minimum=0, maximum=1)]
    whitening_file: Annotated[FileName | None, entry(absent_if_none=True)] = None
    whitening_scale: Annotated[float, entry(exclusiveMinimum=0)] = 1.0
    covariance_file: Annotated[FileName | None, entry(absent_if_none=True)] = None
    threshold: float | None = None
    false_alarm_rate: float | None = None

    def __post_init__(self) -> None:
        if (self.whitening_file is None) == (self.covariance_file is None):
            raise ValueError("the feature statistics have a whitening_file or a covariance_file")
        for name in self.files:
            check_file_name(name)
        if not self.whitening_scale > 0:
            raise ValueError("the whitening_scale of the feature statistics is not positive")
        if self.size < 1 or self.count < 1 or not 0 <= self.shrinkage <= 1:
            raise ValueError("the feature statistics have a size, count or shrinkage out of range")
        if (self.threshold is None) != (self.false_alarm_rate is None):
            raise ValueError("a threshold of the feature distance has a false alarm rate")
        if self.threshold is not None and not self.threshold > 0:
            raise ValueError("the threshold of the feature distance is not positive")
        if self.false_alarm_rate is not None and not 0 <= self.false_alarm_rate < 1:
            raise ValueError("the false alarm rate is not within 0 to 1")

    @property
    def files(self) -> tuple[str, ...]:
        """Names of the files that hold the statistics."""
        named = (self.mean_file, self.whitening_file, self.covariance_file)
        return tuple(name for name in named if name is not None)


@dataclass(frozen=True)
class Golden(Record):
    """Golden inputs and the outputs that every engine must give for them.

    The expected outputs come from the exact integer reference of the export. An engine passes if
    each logit is within ``max_steps * logit_step``, the top class is the same (or ties with it
    within that tolerance), and each map correlates (Pearson) at least ``min_correlation``.

    Attributes:
        images_file: ``.npy``, uint8 ``[N, H, W, 3]``, network bytes, RGB.
        logits_file: ``.npy``, float32 ``[N, C]``.
        saliency_files: Mode (``gradient``, ``gradient-early``, ``cam``) -> ``.npy``, float32
            ``[N, h, w]``, for the top class of each image.
        logit_step: Real value of one quantisation step of the logits.
        max_steps: Steps that an engine may differ.
        min_correlation: Least correlation of a saliency map with the expected one.
    """

    images_file: FileName
    logits_file: FileName
    logit_step: Annotated[float, entry(exclusiveMinimum=0)]
    saliency_files: Annotated[Mapping[str, FileName], _MODES] = field(default_factory=dict)
    max_steps: Annotated[float, entry(minimum=0)] = 1.0
    min_correlation: Annotated[float, entry(maximum=1)] = 0.95

    def __post_init__(self) -> None:
        for name in (self.images_file, self.logits_file, *self.saliency_files.values()):
            check_file_name(name)
        if not set(self.saliency_files) <= set(_MAPS):
            raise ValueError(f"golden saliency is of a mode other than {', '.join(_MAPS)}")
        if not (self.logit_step > 0 and self.max_steps >= 0 and self.min_correlation <= 1):
            raise ValueError("the golden tolerances are out of range")


@dataclass(frozen=True)
class Gate(Record):
    """One check of the export with its measured value.

    Attributes:
        name: What was checked, e.g. ``onnx top-1 agreement``.
        value: The measured value.
        threshold: The limit.
        comparison: ``>=`` if the value must reach the limit, ``<=`` if it must not exceed it.
        passed: Whether it held.
    """

    name: str
    value: float
    threshold: float
    passed: bool
    comparison: Literal[">=", "<="] = ">="
