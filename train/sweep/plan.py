"""What a sweep holds fast, in ``sweep.toml``: the recipe, what is varied, and how it is judged.

A trial is known by the hash of everything in its configuration that its result depends on. A row of
a sweep that is asked for again, with more trials or other values, is therefore found again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from edge_runtime.errors import ArtifactError, UsageError
from edge_runtime.files import atomic_write_text
from train.backbones import PRETRAINED_NONE, PRETRAINED_PACKAGE
from train.config import TrainConfig, read_toml, resolve, to_tables, toml_text
from train.data.sources import SYNTHETIC_PREFIX
from train.sweep.halving import Halving
from train.sweep.metric import METRICS, Metric
from train.sweep.space import Axis, Point, draw_points, parse_axis

__all__ = ["PLAN_FILE", "Plan", "Tables", "Trial", "merged", "with_whole_paths"]

PLAN_FILE = "sweep.toml"
Tables = dict[str, dict[str, Any]]
_HASH_DIGITS = 12
# Where things are and how fast: the same trial elsewhere is the same trial.
_PLACES = (
    ("data", "source"),
    ("data", "cache"),
    ("data", "split_file"),
    ("run", "device"),
    ("run", "threads"),
    ("run", "tensorboard"),
    ("run", "mlflow"),
)
_PATHS = (
    ("data", "source"),
    ("data", "cache"),
    ("data", "split_file"),
    ("network", "start"),
    ("network", "pretrained"),
)


@dataclass(frozen=True)
class Trial:
    """One configuration of a sweep.

    Attributes:
        number: its place in the plan, from 1.
        point: what is varied.
        config: the resolved configuration.
    """

    number: int
    point: Point
    config: TrainConfig

    @cached_property
    def entries(self) -> Tables:
        """Everything of the configuration that the result depends on."""
        return {
            table: {
                name: list(value) if isinstance(value, tuple) else value
                for name, value in entries.items()
                if (table, name) not in _PLACES
            }
            for table, entries in to_tables(self.config).items()
        }

    @cached_property
    def name(self) -> str:
        """Its identity: the first digits of the hash of its entries."""
        text = json.dumps(self.entries, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:_HASH_DIGITS]

    @property
    def description(self) -> str:
        """What is varied, in words."""
        return ", ".join(f"{name}={value}" for name, value in self.point.items())

    @property
    def epochs(self) -> int:
        """Of both phases."""
        return self.config.optimizer.epochs_float + self.config.optimizer.epochs


@dataclass(frozen=True)
class Plan:
    """A sweep.

    Attributes:
        base: what was given of the configuration: by flags, by file, by the run to start from.
        axes: what is varied.
        count: how many trials are drawn; None takes the whole grid.
        seed: of the draws.
        metric: what is chosen by.
        halving: whether and how bad trials are ended early.
        listing_sha256: hash of the listing of the images; empty until it is known.
    """

    base: Tables
    axes: tuple[Axis, ...]
    count: int | None
    seed: int
    metric: Metric
    halving: Halving | None = None
    listing_sha256: str = ""

    @cached_property
    def trials(self) -> tuple[Trial, ...]:
        """The trials, each once: draws of a few whole numbers may repeat one.

        Raises:
            UsageError: a value is not possible; it names the trial.
        """
        trials: dict[str, Trial] = {}
        for point in draw_points(self.axes, self.count, self.seed):
            trial = Trial(len(trials) + 1, point, self._config(point))
            trials.setdefault(trial.name, trial)
        return tuple(trials.values())

    def _config(self, point: Point) -> TrainConfig:
        tables = self.base
        for axis in self.axes:
            tables = merged(tables, axis.tables(point[axis.name]))
        try:
            return resolve(with_whole_paths(tables))
        except UsageError as error:
            values = ", ".join(f"{name}={value}" for name, value in point.items())
            raise UsageError(f"a trial with {values} cannot be run: {error}") from error

    def write(self, path: Path) -> None:
        """Write ``sweep.toml``.

        Raises:
            OutputError: the folder cannot be written.
        """
        sweep: dict[str, Any] = {
            "vary": [axis.text for axis in self.axes],
            "trials": self.count or 0,
            "seed": self.seed,
            "metric": self.metric.name,
            "grace": self.halving.grace if self.halving else 0,
            "reduction": self.halving.reduction if self.halving else 0,
            "listing_sha256": self.listing_sha256,
        }
        base = {f"base.{table}": entries for table, entries in self.base.items()}
        atomic_write_text(path, toml_text({"sweep": sweep, **base}))

    @classmethod
    def read(cls, path: Path) -> Plan:
        """Read ``sweep.toml``.

        Raises:
            ArtifactError: there is none, or an entry is wrong.
        """
        if not path.is_file():
            raise ArtifactError(
                f"{path.parent} is not a sweep of `saliedge sweep`; check the path."
            )
        try:
            tables = read_toml(path)
            sweep = tables["sweep"]
            grace, reduction = int(sweep["grace"]), int(sweep["reduction"])
            return cls(
                base=tables.get("base", {}),
                axes=tuple(parse_axis(str(text)) for text in sweep["vary"]),
                count=int(sweep["trials"]) or None,
                seed=int(sweep["seed"]),
                metric=METRICS[sweep["metric"]],
                halving=Halving(grace, reduction) if grace else None,
                listing_sha256=str(sweep["listing_sha256"]),
            )
        except (UsageError, KeyError, TypeError, ValueError) as error:
            raise ArtifactError(f"{path} cannot be read ({error}); correct it.") from error


def merged(base: Mapping[str, Mapping[str, Any]], over: Mapping[str, Mapping[str, Any]]) -> Tables:
    """Both sets of tables; of an entry that both have, the one of ``over``."""
    return {name: {**base.get(name, {}), **over.get(name, {})} for name in {**base, **over}}


def with_whole_paths(tables: Tables) -> Tables:
    """The same from every current directory, which workers do not share."""
    whole = {name: dict(entries) for name, entries in tables.items()}
    for table, entry in _PATHS:
        path = whole.get(table, {}).get(entry)
        if isinstance(path, str) and path and not _is_no_path(path):
            whole[table][entry] = str(Path(path).absolute())
    return whole


def _is_no_path(text: str) -> bool:
    return text in (PRETRAINED_NONE, PRETRAINED_PACKAGE) or text.startswith(SYNTHETIC_PREFIX)
