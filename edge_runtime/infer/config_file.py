"""Options from a TOML file: ``--config FILE``.

The file has one entry for each option, called as on the command line without the dashes in front:

    camera = "picamera2"
    saliency = "cam"
    max-frames = 500

An option on the command line comes before the file, the file before the option's default.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from edge_runtime.errors import UsageError, reason_of

__all__ = ["config_option", "prefer_flags"]

_Command = TypeVar("_Command", bound=Callable[..., Any])
_NOT_IN_A_FILE = ("config", "help", "version")


def config_option(command: _Command) -> _Command:
    """Give a click command the option ``--config FILE``."""
    return click.option(
        "--config",
        metavar="FILE.toml",
        is_eager=True,
        expose_value=False,
        callback=_take,
        help="Options from a TOML file, called as here without the dashes; flags come first.",
    )(command)


def _take(context: click.Context, _option: click.Parameter, path: str | None) -> None:
    if path is not None:
        context.default_map = read_options(context, Path(path))


def prefer_flags(context: click.Context, arguments: dict[str, object], *names: str) -> None:
    """Of options that exclude each other, drop those from the file if one is on the command line.

    Args:
        context: The command's.
        arguments: Its arguments; changed in place.
        names: The options, as parameters are called.
    """
    sources = {name: context.get_parameter_source(name) for name in names}
    if ParameterSource.COMMANDLINE in sources.values():
        for name, source in sources.items():
            if source is ParameterSource.DEFAULT_MAP:
                arguments[name] = None


def read_options(context: click.Context, path: Path) -> dict[str, Any]:
    """Read the options of a command from a file, each checked as on the command line.

    Returns:
        Parameter name -> value, as click's ``default_map``.

    Raises:
        UsageError: The file cannot be read, is not TOML, has an entry that is no option, or a
            value that its option does not take. The sentence names file and entry.
    """
    options = {
        flag.removeprefix("--"): option
        for option in context.command.params
        if isinstance(option, click.Option)
        for flag in option.opts
        if flag.startswith("--")
    }
    values = {}
    for name, value in _parse(path).items():
        option = options.get(name)
        if option is None or name in _NOT_IN_A_FILE:
            import difflib

            near = difflib.get_close_matches(name, options, n=1)
            hint = f"did you mean {near[0]!r}?" if near else "see --help."
            raise UsageError(f"{path}: there is no option {name!r}; {hint}")
        values[str(option.name)] = _checked(context, option, value, f"{path}: {name}")
    return values


def _parse(path: Path) -> dict[str, Any]:
    import tomllib

    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"The configuration {path} cannot be read ({reason_of(error)})."
        ) from error
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise UsageError(f"{path} is not TOML ({error}).") from error


def _checked(context: click.Context, option: click.Option, value: Any, where: str) -> Any:
    """Return a value as click takes it from a default map, after trying it there."""
    expected, fits = _kind(option)
    items = value if option.multiple and isinstance(value, list) else [value]
    if not all(fits(item) for item in items):
        raise UsageError(f"{where} is {value!r}; it must be {expected}.")
    taken = value if option.is_flag else [_as_text(item) for item in items]
    if not option.multiple and not option.is_flag:
        taken = taken[0]
    try:
        option.process_value(context, taken)
    except click.BadParameter as error:
        raise UsageError(f"{where}: {error.message}") from error
    return taken


def _kind(option: click.Option) -> tuple[str, Callable[[Any], bool]]:
    """Return what an option takes, in words, and a test for it."""
    if option.is_flag and isinstance(option.type, click.types.BoolParamType):
        return "true or false", lambda item: isinstance(item, bool)
    if isinstance(option.type, click.types.IntParamType):
        return "a whole number", lambda item: type(item) is int
    if isinstance(option.type, click.types.FloatParamType):
        return "a number", lambda item: type(item) in (int, float) and math.isfinite(item)
    # A number may stand for a text: camera = 0.
    return "a text", lambda item: type(item) in (str, int)


def _as_text(item: Any) -> Any:
    """Return what a command line would have given, so that both are read by the same code."""
    return str(item)
