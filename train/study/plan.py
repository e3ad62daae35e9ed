"""What a study holds fast: its recipe and its folds, in ``study.toml``; and the hash of each row.

``study.toml`` spells out every entry of the recipe that was known when the study began, so that a
later version with other defaults goes on with the same experiment. Who edits it changes the hash of
exactly those rows that the entry plays a part in: they are run again, the others stay. A row can be
given settings of its own, which the report then names::

    [rows.pact_w4a4.optimizer]
    lr = 3e-4
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from edge_runtime.errors import ArtifactError, UsageError
from edge_runtime.files import atomic_write_text
from edge_runtime.metrics import Region
from train.config import TrainConfig, from_tables, read_toml, to_tables, toml_text
from train.study.matrix import BASELINE, MATRIX, Row

__all__ = ["PLAN_FILE", "Plan", "Tables"]

PLAN_FILE = "study.toml"
Tables = dict[str, dict[str, Any]]
# Where things are and how fast: no part of what is computed, and nobody else's business.
_PLACES = (
    ("data", "source"),
    ("data", "cache"),
    ("data", "split_file"),
    ("data", "split_seed"),
    ("data", "fractions"),
    ("network", "start"),
    ("run", "device"),
    ("run", "threads"),
    ("run", "tensorboard"),
    ("run", "mlflow"),
)
# What the float phase, which the rows of a fold share, does not depend on.
_SECOND_PHASE = (("optimizer", "epochs"), ("optimizer", "lr"), ("optimizer", "lr_alpha"))
_SECOND_PHASE_TABLES = ("quantization", "guidance")
_NOWHERE = "-"


@dataclass(frozen=True)
class Plan:
    """The recipe and the folds of a study.

    Attributes:
        recipe: entries of the configuration, without places.
        folds: number of folds.
        folds_sha256: hash of the folds, which names the images.
        region: part of the picture whose share of the saliency is reported, or None.
        own: row name to settings of that row alone.
    """

    recipe: Tables
    folds: int
    folds_sha256: str
    region: Region | None = None
    own: Mapping[str, Tables] = field(default_factory=dict)

    @classmethod
    def of(cls, config: TrainConfig, folds: int, folds_sha256: str, region: Region | None) -> Plan:
        """The plan of a new study."""
        return cls(_without_places(to_tables(config)), folds, folds_sha256, region)

    @classmethod
    def read(cls, path: Path) -> Plan:
        """Read ``study.toml``.

        Raises:
            ArtifactError: it cannot be read, or an entry is wrong.
        """
        try:
            tables = read_toml(path)
            study, own = tables.pop("study"), tables.pop("rows", {})
            region = str(study["region"])
            plan = cls(
                tables,
                int(study["folds"]),
                str(study["folds_sha256"]),
                Region.parse(region) if region else None,
                own,
            )
            for name in own:
                if MATRIX[name].method == "post-training":
                    raise ValueError(f"the row {name} has no training to set")
                plan.config(MATRIX[name])
            plan.config()
        except (UsageError, KeyError, TypeError, ValueError) as error:
            raise ArtifactError(f"{path} cannot be read ({error}); correct it.") from error
        return plan

    def write(self, path: Path) -> None:
        """Write ``study.toml``.

        Raises:
            OutputError: the folder cannot be written.
        """
        study = {
            "folds": self.folds,
            "folds_sha256": self.folds_sha256,
            "region": str(self.region) if self.region else "",
        }
        atomic_write_text(path, toml_text({"study": study, **self.recipe}))

    def config(self, row: Row | None = None) -> TrainConfig:
        """The configuration of a row, or of the recipe itself, without places."""
        tables: Tables = {name: dict(table) for name, table in self.recipe.items()}
        for name, entries in self._settings(row).items():
            tables.setdefault(name, {}).update(entries)
        tables.setdefault("data", {})["source"] = _NOWHERE
        config = from_tables(tables, PLAN_FILE)
        guidance = config.guidance
        if guidance.k == 0 and guidance.threshold == "share":
            # An image compared with itself: the divergence and its gradient are zero, and the
            # second pass can be saved.
            guidance = replace(guidance, lambda1=0.0)
        if guidance.lambda1 == 0 and guidance.lambda2 == 0:
            guidance = replace(guidance, enabled=False)
        return replace(config, guidance=guidance)

    def entries(self, row: Row) -> Tables:
        """What decides the result of a row: entries that the plan or the row spells out, and any
        entry of a newer version that is not at its default.
        """
        if row.method == "post-training":
            base = self.entries(MATRIX[BASELINE])
            widths = {"weight_bits": row.weight_bits, "activation_bits": row.activation_bits}
            calibration = {"calibration_images": self.config().quantization.calibration_images}
            return {**base, "post_training": {**widths, **calibration, "ranges": row.ranges}}
        tables = self._spelled_out(to_tables(self.config(row)), self._settings(row))
        for name in _SECOND_PHASE_TABLES:
            # What is off has no other settings that could matter.
            if not tables[name]["enabled"]:
                tables[name] = {"enabled": False}
        return tables

    def sha256(self, row: Row, fold: int) -> str:
        """Hash of everything that decides the result of a row in a fold: its identity."""
        return _hash({"entries": self.entries(row), "folds": self.folds_sha256, "fold": fold})

    def shared_sha256(self, fold: int) -> str:
        """The same of the float network that the rows of a fold branch from."""
        tables = self._spelled_out(to_tables(self.config()), {})
        for table, entry in _SECOND_PHASE:
            tables.get(table, {}).pop(entry, None)
        for table in _SECOND_PHASE_TABLES:
            tables.pop(table, None)
        return _hash({"entries": tables, "folds": self.folds_sha256, "fold": fold})

    def _settings(self, row: Row | None) -> Tables:
        """What a row sets: by its nature, and by its own part of the plan."""
        if row is None:
            return {}
        own = self.own.get(row.name, {})
        return {
            name: {**row.tables.get(name, {}), **own.get(name, {})}
            for name in {**row.tables, **own}
        }

    def _spelled_out(self, tables: Tables, overrides: Mapping[str, Mapping[str, Any]]) -> Tables:
        defaults = to_tables(from_tables({"data": {"source": _NOWHERE}}, PLAN_FILE))
        kept: Tables = {}
        for name, table in _without_places(tables).items():
            known = {**self.recipe.get(name, {}), **overrides.get(name, {})}
            kept[name] = {
                entry: value
                for entry, value in table.items()
                if entry in known or value != defaults[name][entry]
            }
        return kept


def _without_places(tables: Tables) -> Tables:
    return {
        name: {entry: value for entry, value in table.items() if (name, entry) not in _PLACES}
        for name, table in tables.items()
    }


def _hash(value: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
