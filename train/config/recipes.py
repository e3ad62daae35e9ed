"""What each backbone and width needs, and the one precedence that decides a value."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from edge_runtime.errors import UsageError
from train.backbones import PRETRAINED_NONE, backbone_named
from train.config.sections import NetworkConfig, OptimizerConfig, TrainConfig
from train.config.toml import from_tables, read_toml, to_tables
from train.quantization.fake_quantize import ActivationQuantizer

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

# What widths below 8 bit need, where rounding has moved the network further from the float one: the
# least rate of the weights, and the rate of the clips. The steps of LSQ get a gradient from every
# value and not from the clipped ones alone; at the clips' rate they run away.
_NARROW_LR = 3e-4
_NARROW_LR_ALPHA: dict[ActivationQuantizer, float] = {"pact": 1e-2, "lsq": 1e-3}


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

    Examples:
        >>> config = resolve({"data": {"source": "kvasir"}, "quantization": {"activation_bits": 4}})
        >>> config.optimizer.lr_alpha, resolve({"data": {"source": "kvasir"}}).optimizer.lr_alpha
        (0.01, 0.001)
    """
    tables = _merge(read_toml(config_file) if config_file else {}, flags)
    backbone = tables.get("network", {}).get("backbone", NetworkConfig.backbone)
    if not isinstance(backbone, str):
        raise UsageError(f"the backbone {backbone!r} in {config_file} is not a name.")
    pretrained = tables.get("network", {}).get("pretrained")
    recipe = to_tables(origin) if origin else _recipe(backbone, pretrained)
    where = str(config_file) if config_file else "the flags"
    config = from_tables(_merge(recipe, tables), where)
    rates = _rates(config)
    if origin:
        # A rate that was chosen for the other run stays; one that came with its widths does not.
        usual = _rates(origin)
        rates = {
            name: rate
            for name, rate in rates.items()
            if getattr(origin.optimizer, name) == usual[name]
        }
    return from_tables(_merge(_merge(recipe, {"optimizer": rates}), tables), where)


def _rates(config: TrainConfig) -> dict[str, float]:
    """The rates of the second phase that the backbone and the widths of a configuration need."""
    settings = config.quantization
    of_backbone = _tables_of(config.network.backbone, config.network.pretrained)
    lr = of_backbone.get("optimizer", {}).get("lr", OptimizerConfig.lr)
    lr_alpha = OptimizerConfig.lr_alpha
    if settings.enabled and min(settings.activation_bits, settings.weight_bits) < 8:
        lr = max(lr, _NARROW_LR)
    if settings.enabled and settings.activation_bits < 8:
        lr_alpha = _NARROW_LR_ALPHA[settings.activation_quantizer]
    return {"lr": lr, "lr_alpha": lr_alpha}


def _recipe(name: str, pretrained: object) -> dict[str, dict[str, Any]]:
    """What a backbone needs; ``pretrained`` is None where nothing was said of it."""
    backbone = backbone_named(name)
    network: dict[str, Any] = {
        "input_mean": backbone.input_mean,
        "input_std": backbone.input_std,
    }
    if pretrained is None and not backbone.has_package:
        pretrained = network["pretrained"] = PRETRAINED_NONE
    return _merge(_tables_of(name, pretrained), {"network": network})


def _tables_of(name: str, pretrained: object) -> dict[str, dict[str, Any]]:
    """What differs from the defaults by the backbone's name and weights alone."""
    if name in _SMALL:
        return _SMALL_FROM_SCRATCH
    return _FROM_SCRATCH if pretrained == PRETRAINED_NONE else {}


def _merge(
    base: Mapping[str, Mapping[str, Any]], over: Mapping[str, Mapping[str, Any]]
) -> dict[str, dict[str, Any]]:
    return {name: {**base.get(name, {}), **over.get(name, {})} for name in {**base, **over}}
