"""Taking a shell's line apart, and holding each of its commands against the real one."""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import PurePath

import click

from benchmarks.cli import bench
from benchmarks.subcommands import CommandWithSubcommands
from edge_runtime.cli import COMMANDS, load_command, saliedge
from edge_runtime.infer.cli import infer
from tests.wheel import ROOT

__all__ = ["PROGRAMS", "Invocation", "check", "check_options", "invocations"]

PROGRAMS: dict[str, click.Command] = {"saliedge": saliedge, "edge-infer": infer, "bench": bench}
"""The programs that this project installs."""

_PREFIXES = ("sudo", "time", "nohup", "exec")
_REST = "..."  # stands for arguments that are left out


@dataclass(frozen=True)
class Invocation:
    """A program with its arguments, as a shell would start it."""

    program: str
    arguments: tuple[str, ...]


def invocations(line: str) -> list[Invocation]:
    """Split a line at pipes and the like; redirections, variables and ``sudo`` are left out."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;<>()")
    lexer.whitespace_split = True
    found: list[list[str]] = [[]]
    tokens = iter(lexer)
    for token in tokens:
        if set(token) <= set("<>"):
            next(tokens, None)
        elif set(token) <= set("|&;()"):
            found.append([])
        else:
            found[-1].append(token)
    return [Invocation(PurePath(w[0]).name, tuple(w[1:])) for w in map(_program, found) if w]


def _program(words: list[str]) -> list[str]:
    while words and (words[0] in _PREFIXES or re.match(r"\w+=", words[0]) or words[0] == "-u"):
        words = words[2:] if words[0] == "-u" else words[1:]
    return words


def check(invocation: Invocation) -> None:
    """Hold a command against what there is; of other projects' programs nothing is known.

    Raises:
        AssertionError: there is no such command, option, target, module or extra.
        click.UsageError: click itself refuses it.
    """
    program, arguments = invocation.program, list(invocation.arguments)
    if program in PROGRAMS:
        _check_click(PROGRAMS[program], arguments, program)
    elif program == "make":
        targets = re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), re.M)
        for target in arguments:
            assert target in targets or "=" in target, f"no target {target}"
    elif program.startswith("python") and arguments[:1] == ["-m"] and len(arguments) > 1:
        _check_module(arguments[1], arguments[2:])
    elif program == "torchrun" and "-m" in arguments:
        module, *rest = arguments[arguments.index("-m") + 1 :]
        _check_module(module, rest)
    elif program == "pip":
        _check_extras(arguments)


def check_options(invocation: Invocation) -> None:
    """Hold the options alone of a command of this project against the real one.

    For a command that is named within a text, mostly without all that it needs.
    """
    name, arguments = invocation.program, list(invocation.arguments)
    command = PROGRAMS[name]
    while True:
        found = _subcommand(command, arguments[0]) if arguments else None
        if found is None:
            break
        command, arguments = found, arguments[1:]
    known = {flag for one in command.params for flag in (*one.opts, *one.secondary_opts)}
    known |= set(command.get_help_option_names(click.Context(command)))
    flags = {word.partition("=")[0] for word in arguments if word.startswith("--")}
    assert flags <= known, f"{name} has no option {', '.join(sorted(flags - known))}"


def _subcommand(command: click.Command, name: str) -> click.Command | None:
    if isinstance(command, click.Group):
        return command.get_command(click.Context(command), name)
    if isinstance(command, CommandWithSubcommands) and name in command._subcommands:
        return load_command(name, command._subcommands[name])
    return None


def _check_module(module: str, arguments: list[str]) -> None:
    if module in COMMANDS:
        _check_click(load_command(module, COMMANDS[module]), arguments, module)
    elif module.partition(".")[0] in ("benchmarks", "edge_runtime", "export", "train"):
        assert find_spec(module) is not None, f"no module {module}"


def _check_extras(arguments: Sequence[str]) -> None:
    with (ROOT / "pyproject.toml").open("rb") as stream:
        known = set(tomllib.load(stream)["project"]["optional-dependencies"])
    for named in re.findall(r"(?:saliedge|\.)\[([\w,-]+)\]", " ".join(arguments)):
        assert set(named.split(",")) <= known, f"no such extra in [{named}]"


def _check_click(command: click.Command, arguments: list[str], name: str) -> None:
    """Parse as click does, but call back nothing, read no file and open none."""
    if not isinstance(command, click.Group) and arguments:
        found = _subcommand(command, arguments[0])
        if found is not None:
            return _check_click(found, arguments[1:], f"{name} {arguments[0]}")
    context = click.Context(command, info_name=name)
    if set(arguments) & set(command.get_help_option_names(context)):
        return None
    left_out = _REST in arguments
    given, rest, _ = command.make_parser(context).parse_args(
        [argument for argument in arguments if argument != _REST]
    )
    if isinstance(command, click.Group):
        assert rest, f"{name}: which command?"
        found = _subcommand(command, rest[0])
        assert found is not None, f"{name} has no command {rest[0]}"
        return _check_click(found, rest[1:], f"{name} {rest[0]}")
    assert not rest, f"{name}: {rest} is left over"
    for parameter in command.params:
        value = given.get(str(parameter.name))
        if isinstance(value, str | list | tuple) and value:
            parameter.type_cast_value(context, value)
        elif not left_out and parameter.required and not isinstance(value, str):
            raise click.MissingParameter(ctx=context, param=parameter)
    return None
