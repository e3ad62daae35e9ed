"""The evidence inside a bundle: ranges, feature statistics, golden outputs and gates.

Every class checks itself when it is made (``ValueError``) and has ``to_json`` and ``from_json``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from edge_runtime.bundle import fields
from edge_runtime.bundle.graphs import check_file_name

__all__ = ["FeatureStatistics", "Gate", "Golden", "SiteQuantization"]


@dataclass(frozen=True)
class SiteQuantization:
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
    alpha: float
    bits: int
    signed: bool
    scale: float

    def __post_init__(self) -> None:
        if not 2 <= self.bits <= 8:
            raise ValueError(f"site {self.site!r} has {self.bits} bits, not 2 to 8")
        if not (self.alpha > 0 and self.scale > 0):
            raise ValueError(f"site {self.site!r} has an alpha or scale that is not positive")

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that :meth:`from_json` reads."""
        return {
            "site": self.site,
            "alpha": self.alpha,
            "bits": self.bits,
            "signed": self.signed,
            "scale": self.scale,
        }

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> SiteQuantization:
        """Build from a JSON object; ``ValueError`` names the field that is wrong."""
        return cls(
            site=fields.text(record, "site"),
            alpha=fields.number(record, "alpha"),
            bits=fields.integer(record, "bits"),
            signed=fields.boolean(record, "signed"),
            scale=fields.number(record, "scale"),
        )


@dataclass(frozen=True)
class FeatureStatistics:
    """Where the statistics of ``features`` over the training images lie.

    Attributes:
        size: F, the number of features.
        count: Images that were measured.
        mean_file: ``.npy``, float32 ``[F]``.
        covariance_file: ``.npy``, float32 ``[F, F]``, shrunk so that it can be inverted.
        shrinkage: Share of the scaled identity in the covariance (Ledoit and Wolf, 2004), 0 to 1.
        threshold: Mahalanobis' distance beyond which a picture is unlike the training images; None
            in bundles before schema 1.3.
        false_alarm_rate: Share of training images, left out of the statistics, that are beyond it.
    """

    size: int
    count: int
    mean_file: str
    covariance_file: str
    shrinkage: float
    threshold: float | None = None
    false_alarm_rate: float | None = None

    def __post_init__(self) -> None:
        check_file_name(self.mean_file)
        check_file_name(self.covariance_file)
        if self.size < 1 or self.count < 1 or not 0 <= self.shrinkage <= 1:
            raise ValueError("the feature statistics have a size, count or shrinkage out of range")
        if (self.threshold is None) != (self.false_alarm_rate is None):
            raise ValueError("a threshold of the feature distance has a false alarm rate")
        if self.threshold is not None and not self.threshold > 0:
            raise ValueError("the threshold of the feature distance is not positive")
        if self.false_alarm_rate is not None and not 0 <= self.false_alarm_rate < 1:
            raise ValueError("the false alarm rate is not within 0 to 1")

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that :meth:`from_json` reads."""
        return {
            "size": self.size,
            "count": self.count,
            "mean_file": self.mean_file,
            "covariance_file": self.covariance_file,
            "shrinkage": self.shrinkage,
            "threshold": self.threshold,
            "false_alarm_rate": self.false_alarm_rate,
        }

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> FeatureStatistics:
        """Build from a JSON object; ``ValueError`` names the field that is wrong."""
        return cls(
            size=fields.integer(record, "size"),
            count=fields.integer(record, "count"),
            mean_file=fields.text(record, "mean_file"),
            covariance_file=fields.text(record, "covariance_file"),
            shrinkage=fields.number(record, "shrinkage"),
            threshold=_optional_number(record, "threshold"),
            false_alarm_rate=_optional_number(record, "false_alarm_rate"),
        )


@dataclass(frozen=True)
class Golden:
    """Golden inputs and the outputs that every engine must give for them.

    The expected outputs come from the exact integer reference of the export. An engine passes if
    each logit is within ``max_steps * logit_step``, the top class is the same (or ties with it
    within that tolerance), and each map correlates (Pearson) at least ``min_correlation``.

    Attributes:
        images_file: ``.npy``, uint8 ``[N, H, W, 3]``, network bytes, RGB.
        logits_file: ``.npy``, float32 ``[N, C]``.
        saliency_files: Mode (``gradient``, ``cam``) -> ``.npy``, float32 ``[N, h, w]``, for the
            top class of each image.
        logit_step: Real value of one quantisation step of the logits.
        max_steps: Steps that an engine may differ.
        min_correlation: Least correlation of a saliency map with the expected one.
    """

    images_file: str
    logits_file: str
    logit_step: float
    saliency_files: Mapping[str, str] = field(default_factory=dict)
    max_steps: float = 1.0
    min_correlation: float = 0.95

    def __post_init__(self) -> None:
        for name in (self.images_file, self.logits_file, *self.saliency_files.values()):
            check_file_name(name)
        if not set(self.saliency_files) <= {"gradient", "cam"}:
            raise ValueError("golden saliency is of a mode other than gradient and cam")
        if not (self.logit_step > 0 and self.max_steps >= 0 and self.min_correlation <= 1):
            raise ValueError("the golden tolerances are out of range")

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that :meth:`from_json` reads."""
        return {
            "images_file": self.images_file,
            "logits_file": self.logits_file,
            "saliency_files": dict(self.saliency_files),
            "logit_step": self.logit_step,
            "max_steps": self.max_steps,
            "min_correlation": self.min_correlation,
        }

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Golden:
        """Build from a JSON object; ``ValueError`` names the field that is wrong."""
        saliency = fields.json_object(record, "saliency_files", {})
        return cls(
            images_file=fields.text(record, "images_file"),
            logits_file=fields.text(record, "logits_file"),
            saliency_files={mode: fields.text(saliency, mode) for mode in saliency},
            logit_step=fields.number(record, "logit_step"),
            max_steps=fields.number(record, "max_steps", 1.0),
            min_correlation=fields.number(record, "min_correlation", 0.95),
        )


@dataclass(frozen=True)
class Gate:
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

    def __post_init__(self) -> None:
        if self.comparison not in (">=", "<="):
            raise ValueError(f"the gate {self.name!r} compares by {self.comparison!r}")

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that :meth:`from_json` reads."""
        return {
            "name": self.name,
            "value": self.value,
            "comparison": self.comparison,
            "threshold": self.threshold,
            "passed": self.passed,
        }

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Gate:
        """Build from a JSON object; ``ValueError`` names the field that is wrong."""
        return cls(
            name=fields.text(record, "name"),
            value=fields.number(record, "value"),
            threshold=fields.number(record, "threshold"),
            passed=fields.boolean(record, "passed"),
            comparison=fields.text(record, "comparison", ">="),  # type: ignore[arg-type]
        )


def _optional_number(record: dict[str, Any], name: str) -> float | None:
    return None if record.get(name) is None else fields.number(record, name)
