"""Which model of a store runs: the record, and every change that it may take."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import field, replace
from typing import Any

from edge_runtime.bundle import fields
from edge_runtime.errors import ArtifactError
from edge_runtime.quick_dataclass import dataclass

__all__ = ["KEPT_PREVIOUS", "TRIAL_STARTS", "Selection"]

TRIAL_STARTS = 3
"""Starts that a model on trial gets; if none ended in order, the last good model returns."""

KEPT_PREVIOUS = 8
_VERSION = 1
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Selection:
    """Which model runs, which one did, and which one is on trial. Models go by their SHA-256.

    A chosen model is on trial until it has classified enough frames; only then does it take the
    place of the last good one. Every method returns the changed record.

    Attributes:
        good: The last model that proved itself, or None.
        trial: The chosen model that has not proved itself yet (it runs), or None.
        starts: Starts of ``trial`` so far that have not ended in order.
        previous: Models that were good before, latest first.
        failed: Model -> the sentence with which its trial ended.
    """

    good: str | None = None
    trial: str | None = None
    starts: int = 0
    previous: tuple[str, ...] = ()
    failed: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        named = [name for name in (self.good, self.trial, *self.previous, *self.failed) if name]
        if not all(_SHA256.fullmatch(name) for name in named):
            raise ValueError("a model is not named by its SHA-256")
        if self.starts < 0:
            raise ValueError("'starts' is negative")

    @property
    def wanted(self) -> str | None:
        """The model that should run now."""
        return self.trial or self.good

    @property
    def proven(self) -> tuple[str, ...]:
        """Models that proved themselves, the latest first."""
        return (*((self.good,) if self.good else ()), *self.previous)

    @property
    def exhausted(self) -> bool:
        """Whether the model on trial had all its starts."""
        return self.trial is not None and self.starts >= TRIAL_STARTS

    def choose(self, sha256: str) -> Selection:
        """Put a model on trial; the good one itself just goes on."""
        failed = {name: reason for name, reason in self.failed.items() if name != sha256}
        trial = None if sha256 == self.good else sha256
        return replace(self, trial=trial, starts=0, failed=failed)

    def start(self, sha256: str) -> Selection:
        """Count a start of the model on trial."""
        return replace(self, starts=self.starts + 1) if self.trial == sha256 else self

    def end_in_order(self, sha256: str) -> Selection:
        """Take back the count of a start that ended as it should."""
        return replace(self, starts=max(0, self.starts - 1)) if self.trial == sha256 else self

    def prove(self, sha256: str) -> Selection:
        """End the trial with success: the model is the good one from now on."""
        if self.trial != sha256:
            return self
        previous = tuple(name for name in self.proven if name != sha256)[:KEPT_PREVIOUS]
        return replace(self, good=sha256, trial=None, starts=0, previous=previous)

    def give_up(self, sha256: str, reason: str) -> Selection:
        """End the trial with failure: the last good model returns."""
        if self.trial != sha256:
            return self
        return replace(self, trial=None, starts=0, failed={**self.failed, sha256: reason})

    def roll_back(self) -> Selection:
        """Drop the model on trial, or else return to the good model before this one.

        Raises:
            ArtifactError: There is no other model to return to.
        """
        if self.trial is not None and self.good is not None:
            return replace(self, trial=None, starts=0)
        if self.trial is None and self.previous:
            return replace(self, good=self.previous[0], previous=self.previous[1:])
        raise ArtifactError(
            "There is no earlier good model to return to (one is good once its trial in edge-infer "
            "is over); choose one with `saliedge models use`."
        )

    def forget(self, sha256: str) -> Selection:
        """Remove a model that does not run from the record.

        Raises:
            ArtifactError: The model runs, or is what the device would fall back to.
        """
        if sha256 in (self.good, self.trial):
            raise ArtifactError(
                f"The model {sha256[:12]} is in use; choose another with `saliedge models use` and "
                f"let it prove itself first."
            )
        return replace(
            self,
            previous=tuple(name for name in self.previous if name != sha256),
            failed={name: reason for name, reason in self.failed.items() if name != sha256},
        )

    def to_json(self) -> dict[str, Any]:
        """Return the object that :meth:`from_json` reads; it has a ``version`` (of the form)."""
        return {
            "version": _VERSION,
            "good": self.good,
            "trial": self.trial,
            "starts": self.starts,
            "previous": list(self.previous),
            "failed": dict(self.failed),
        }

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Selection:
        """Build from a JSON object; ``ValueError`` says what is wrong with it."""
        version = fields.integer(record, "version")
        if version != _VERSION:
            raise ValueError(f"its version is {version}, not {_VERSION}")
        failed = fields.json_object(record, "failed")
        return cls(
            good=_optional_text(record, "good"),
            trial=_optional_text(record, "trial"),
            starts=fields.integer(record, "starts"),
            previous=fields.text_list(record, "previous"),
            failed={name: fields.text(failed, name) for name in failed},
        )


def _optional_text(record: dict[str, Any], key: str) -> str | None:
    return None if record.get(key) is None else fields.text(record, key)
