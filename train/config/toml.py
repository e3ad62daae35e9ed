"""Configurations as TOML, and back with every name and type checked."""

from __future__ import annotations

import dataclasses
import json
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, get_type_hints

from edge_runtime.errors import UsageError, reason_of
from train.config.sections import TrainConfig

__all__ = [
    "default_of",
    "from_tables",
    "from_toml",
    "read_toml",
    "to_tables",
    "to_toml",
    "toml_text",
]


def from_toml(text: str, where: str) -> TrainConfig:
    """Read a resolved configuration back.

    Raises:
        UsageError: it is not TOML, or a name or value in it is wrong.
    """
    return from_tables(_parse(text, where), where)


def to_tables(config: TrainConfig) -> dict[str, dict[str, Any]]:
    """The configuration as tables, every value spelled out, in the order of the fields."""
    return {
        table.name: {
            entry.name: getattr(section, entry.name) for entry in dataclasses.fields(section)
        }
        for table in dataclasses.fields(config)
        for section in [getattr(config, table.name)]
    }


def to_toml(config: TrainConfig) -> str:
    """The configuration as TOML, every value spelled out, in the order of the fields."""
    return toml_text(to_tables(config))


def toml_text(tables: Mapping[str, Mapping[str, Any]]) -> str:
    """Tables of plain values as TOML."""
    lines: list[str] = []
    for name, table in tables.items():
        lines.append(f"[{name}]")
        lines += [f"{entry} = {_toml_value(value)}" for entry, value in table.items()]
        lines.append("")
    return "\n".join(lines)


def _toml_value(value: Any) -> str:
    # JSON's strings, numbers, booleans and lists are TOML's, but for DEL, which TOML escapes.
    if isinstance(value, tuple):
        return json.dumps(list(value))
    return json.dumps(value).replace("\x7f", "\\u007f")


def read_toml(path: Path) -> dict[str, dict[str, Any]]:
    """The tables of a file, not checked yet.

    Raises:
        UsageError: it cannot be read or is not TOML.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"the configuration {path} cannot be read ({reason_of(error)})."
        ) from error
    return _parse(text, str(path))


def _parse(text: str, where: str) -> dict[str, dict[str, Any]]:
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{where} is not TOML ({error}).") from error
    for name, table in tables.items():
        if not isinstance(table, dict):
            raise UsageError(f"{where}: {name} stands outside a table such as [optimizer].")
    return tables


def from_tables(tables: Mapping[str, Mapping[str, Any]], where: str) -> TrainConfig:
    """A configuration from tables of values.

    Raises:
        UsageError: there is no such table or entry, or a value is of the wrong kind or size;
            ``where`` says in whose words.
    """
    sections = _sections(tables, where)
    return TrainConfig(
        **{
            name: _section(kind, tables.get(name, {}), name, where)
            for name, kind in sections.items()
        }
    )


def default_of(table: str, entry: str, where: str) -> Any:
    """The default of an entry, whose kind its values must have.

    Raises:
        UsageError: there is no such table or entry; ``where`` says in whose words.
    """
    return _defaults(_sections([table], where)[table], [entry], table, where)[entry]


def _sections(named: Iterable[str], where: str) -> dict[str, type]:
    sections = get_type_hints(TrainConfig)
    unknown = sorted(set(named) - set(sections))
    if unknown:
        raise UsageError(f"{where}: there is no table [{unknown[0]}]; see config.toml of a run.")
    return sections


def _defaults(kind: type, named: Iterable[str], table: str, where: str) -> dict[str, Any]:
    defaults = {entry.name: entry.default for entry in dataclasses.fields(kind) if entry.init}
    unknown = sorted(set(named) - set(defaults))
    if unknown:
        raise UsageError(
            f"{where}: [{table}] has no entry {unknown[0]!r}; see config.toml of a run."
        )
    return defaults


def _section(kind: type, table: Mapping[str, Any], name: str, where: str) -> Any:
    defaults = _defaults(kind, table, name, where)
    values = {
        entry: _typed(value, defaults[entry], f"{where}: {name}.{entry}")
        for entry, value in table.items()
    }
    return kind(**values)


def _typed(value: Any, default: Any, where: str) -> Any:
    """The value as the default's type; a whole number may stand for a float."""
    if isinstance(default, tuple) and isinstance(value, list | tuple):
        return tuple(_typed(item, default[0], where) for item in value)
    if isinstance(default, float) and type(value) in (int, float):
        return float(value)
    if type(value) is not type(default):
        raise UsageError(f"{where} is {value!r}; it must be of the kind of {default!r}.")
    return value
