"""What each backbone needs, and the one precedence that decides a value."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from edge_runtime.errors import UsageError
from train.backbones import PRETRAINED_NONE, backbone_named
from train.config.sections import NetworkConfig, TrainConfig
from train.config.toml import from_tables, read_toml, to_tables

__all__ = ["resolve"]

# What networks need that the defaults, which suit pretrained ones, do not give.
_FROM_SCRATCH: dict[str, dict[str, Any]] = {
    "optimizer": {"epochs_float": 30, "lr_float": 3e-3, "lr": 3e-4},
}
_SMALL_FROM_SCRATCH: dict[str, dict[str, Any]] = {
    "network": {"height": 64, "width": 64},
    # From scratch, far views cost more steps than they give.
    "augmentation": {
        "rotation": 15.0,
        "shift": 0.02,
        "zoom": 0.05,
        "brightness": 0.05,
        "contrast": 0.05,
        "saturation": 0.05,
    },
    "optimizer": {
        "epochs_float": 30,
        "epochs": 6,
        "batch_size": 16,
        "lr_float": 2.5e-3,
        "lr": 5e-4,
        "weight_decay": 0.1,
    },
}
_SMALL = ("small_cnn", "squeeze_cnn")


def resolve(
    flags: Mapping[str, Mapping[str, Any]],
    config_file: Path | None = None,
    origin: TrainConfig | None = None,
) -> TrainConfig:
    """The configuration of a new run.

    Args:
        flags: table to values, of the flags that were given.
        config_file: a TOML file with any of the tables.
        origin: the configuration of the run that this one starts from; it decides what flags and
            file leave open.

    Raises:
        UsageError: the file cannot be read, a name or value in it is wrong, or the backbone cannot
            be found.
    """
    tables = _merge(read_toml(config_file) if config_file else {}, flags)
    backbone = tables.get("network", {}).get("backbone", NetworkConfig.backbone)
    if not isinstance(backbone, str):
        raise UsageError(f"the backbone {backbone!r} in {config_file} is not a name.")
    pretrained = tables.get("network", {}).get("pretrained")
    recipe = to_tables(origin) if origin else _recipe(backbone, pretrained)
    where = str(config_file) if config_file else "the flags"
    return from_tables(_merge(recipe, tables), where)


def _recipe(name: str, pretrained: object) -> dict[str, dict[str, Any]]:
    """What a backbone needs; ``pretrained`` is None where nothing was said of it."""
    backbone = backbone_named(name)
    network: dict[str, Any] = {
        "input_mean": backbone.input_mean,
        "input_std": backbone.input_std,
    }
    if pretrained is None and not backbone.has_package:
        pretrained = network["pretrained"] = PRETRAINED_NONE
    recipe: dict[str, dict[str, Any]] = {}
    if name in _SMALL:
        recipe = _SMALL_FROM_SCRATCH
    elif pretrained == PRETRAINED_NONE:
        recipe = _FROM_SCRATCH
    return _merge(recipe, {"network": network})


def _merge(
    base: Mapping[str, Mapping[str, Any]], over: Mapping[str, Mapping[str, Any]]
) -> dict[str, dict[str, Any]]:
    return {name: {**base.get(name, {}), **over.get(name, {})} for name in {**base, **over}}
