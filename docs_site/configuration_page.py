"""The configuration of a run, from its dataclasses, and the recipes that change its defaults."""

from __future__ import annotations

import dataclasses
import json
from typing import Any, Literal, get_args, get_origin, get_type_hints

from docs_site.docstrings import attribute_texts, summary
from docs_site.markdown import code, table
from docs_site.page import Page
from train.backbones import BACKBONES
from train.config import TrainConfig, resolve, to_tables

__all__ = ["configuration_page"]

_INTRODUCTION = """
A run is described by one table of TOML for each part. Every entry has a default, but for
`data.source`. A value comes from the first of these that names it:

1. a flag of [`saliedge train`](cli/train.md);
2. the file that `--config` names, with any of the tables below;
3. the run that this one starts from (`--from`);
4. the recipe of the backbone and the widths, [below](#recipes);
5. the default.

The resolved configuration is written into the run as `config.toml`, every value spelled out, and
can be given to `--config` as it is. A name that does not exist, or a value that cannot be, is told
in one sentence before anything is read. [`saliedge sweep`](cli/sweep.md) takes any entry as
`--vary TABLE.ENTRY=...`, and `study.toml` and `sweep.toml` hold the same tables. The file of
`edge-infer --config` is another: its entries are the options of [`edge-infer`](cli/infer.md).
"""


def configuration_page() -> Page:
    """The page."""
    parts = [_INTRODUCTION]
    hints = get_type_hints(TrainConfig)
    for field in dataclasses.fields(TrainConfig):
        section = hints[field.name]
        parts.append(f"## [{field.name}]\n\n{summary(section)}\n")
        parts.append(table(("entry", "type", "default", "meaning"), _rows(section)))
    parts.append("## Recipes\n")
    parts.append("What differs from the defaults, by backbone and by widths.\n")
    parts.append(table(("given", "is then, unless you say otherwise"), _recipe_rows()))
    return Page("reference/configuration.md", "Configuration", "\n".join(parts))


def _rows(section: type) -> list[tuple[str, str, str, str]]:
    texts, hints = attribute_texts(section), get_type_hints(section)
    return [
        (
            code(field.name),
            _type(hints[field.name]),
            code(_toml(field.default)) if field.default is not dataclasses.MISSING else "",
            texts.get(field.name, "").replace("|", "\\|"),
        )
        for field in dataclasses.fields(section)
    ]


def _type(hint: Any) -> str:
    if get_origin(hint) is Literal:
        return ", ".join(code(_toml(choice)) for choice in get_args(hint))
    if get_origin(hint) is tuple:
        return f"{len(get_args(hint))} numbers"
    return {bool: "true or false", int: "whole number", float: "number", str: "text"}[hint]


def _toml(value: object) -> str:
    return json.dumps(list(value) if isinstance(value, tuple) else value)


def _recipe_rows() -> list[tuple[str, str]]:
    given: dict[str, dict[str, dict[str, Any]]] = {
        f"`backbone = {json.dumps(name)}`": {"network": {"backbone": name}} for name in BACKBONES
    }
    given['`pretrained = "none"`'] = {"network": {"pretrained": "none"}}
    for bits in (4, 2):
        narrow = {"activation_bits": bits, "weight_bits": bits}
        given[f"`activation_bits = {bits}`, `weight_bits = {bits}`"] = {"quantization": narrow}
        given[f'the same, `activation_quantizer = "lsq"` ({bits} bit)'] = {
            "quantization": {**narrow, "activation_quantizer": "lsq"}
        }
    usual = _tables({})
    return [(name, _difference(_tables(flags), usual, flags)) for name, flags in given.items()]


def _tables(flags: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return to_tables(resolve({"data": {"source": "synthetic:"}, **flags}))


def _difference(
    found: dict[str, dict[str, Any]],
    usual: dict[str, dict[str, Any]],
    given: dict[str, dict[str, Any]],
) -> str:
    changed = [
        code(f"{table_name}.{entry} = {_toml(value)}")
        for table_name, entries in found.items()
        for entry, value in entries.items()
        if value != usual[table_name][entry] and entry not in given.get(table_name, {})
    ]
    return ", ".join(changed) or "the defaults"
