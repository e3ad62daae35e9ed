"""Which entry of the configuration each flag of ``saliedge train`` sets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["entries_of_flag", "tables_of_flags"]

# Flag -> table and entry of the configuration. Flags that set more than one are written out below.
_ENTRIES: dict[str, tuple[str, str]] = {
    "data": ("data", "source"),
    "split_seed": ("data", "split_seed"),
    "split_file": ("data", "split_file"),
    "cache": ("data", "cache"),
    "skip_bad": ("data", "skip_bad"),
    "group_duplicates": ("data", "group_duplicates"),
    "balance": ("data", "balance"),
    "backbone": ("network", "backbone"),
    "pretrained": ("network", "pretrained"),
    "width": ("network", "width_multiplier"),
    "input_mean": ("network", "input_mean"),
    "input_std": ("network", "input_std"),
    "start": ("network", "start"),
    "fit": ("network", "fit"),
    "roi": ("network", "roi"),
    "roi_shape": ("network", "roi_shape"),
    "pact": ("quantization", "enabled"),
    "bits": ("quantization", "activation_bits"),
    "weight_bits": ("quantization", "weight_bits"),
    "weight_quantizer": ("quantization", "weight_quantizer"),
    "activation_quantizer": ("quantization", "activation_quantizer"),
    "range_method": ("quantization", "range_method"),
    "percentile": ("quantization", "percentile"),
    "eta": ("quantization", "eta"),
    "sgt": ("guidance", "enabled"),
    "lambda1": ("guidance", "lambda1"),
    "lambda2": ("guidance", "lambda2"),
    "ramp": ("guidance", "ramp"),
    "k": ("guidance", "k"),
    "fill": ("guidance", "fill"),
    "smoothing": ("guidance", "smoothing"),
    "threshold": ("guidance", "threshold"),
    "target": ("guidance", "target"),
    "rotation": ("augmentation", "rotation"),
    "surround": ("augmentation", "surround"),
    "erase": ("augmentation", "erase"),
    "epochs_float": ("optimizer", "epochs_float"),
    "epochs": ("optimizer", "epochs"),
    "batch_size": ("optimizer", "batch_size"),
    "lr_float": ("optimizer", "lr_float"),
    "lr": ("optimizer", "lr"),
    "lr_alpha": ("optimizer", "lr_alpha"),
    "lr_weight_step": ("optimizer", "lr_weight_step"),
    "ema": ("optimizer", "ema"),
    "patience": ("optimizer", "patience"),
    "sensitivity": ("decision", "sensitivity"),
    "seed": ("run", "seed"),
    "device": ("run", "device"),
    "threads": ("run", "threads"),
    "precision": ("run", "precision"),
    "deterministic": ("run", "deterministic"),
    "tensorboard": ("run", "tensorboard"),
    "mlflow": ("run", "mlflow"),
}


def entries_of_flag(name: str) -> tuple[tuple[str, str], ...]:
    """Table and entry of everything that a flag with one value sets; none if there is no such."""
    if name not in _ENTRIES:
        return ()
    tables = tables_of_flags({name: None})
    return tuple((table, entry) for table, entries in tables.items() for entry in entries)


def tables_of_flags(given: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The tables of values, by name and entry, of the flags that were given."""
    tables: dict[str, dict[str, Any]] = {}
    for name, value in given.items():
        if name in _ENTRIES:
            table, entry = _ENTRIES[name]
            tables.setdefault(table, {})[entry] = value
    if "size" in given:
        height, width = given["size"]
        tables.setdefault("network", {}).update(height=height, width=width)
    if "bits" in given:
        tables["quantization"].setdefault("weight_bits", given["bits"])
    return tables
