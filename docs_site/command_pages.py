"""The commands, a page each, from the click commands themselves."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

import click

from docs_site.markdown import code, escaped, fenced, table
from docs_site.page import Page
from edge_runtime.cli import COMMANDS, load_command, saliedge

__all__ = ["FOLDER", "command_pages", "every_command"]

FOLDER = "reference/cli"
# Scripts of their own that are a command of the table, too.
_SCRIPTS = {"infer": "edge-infer", "bench": "bench"}


def command_pages() -> list[Page]:
    """The list of commands, and a page for each with its subcommands."""
    return [
        Page(f"{FOLDER}/index.md", "Command line", _index()),
        *(Page(f"{FOLDER}/{name}.md", _shown_name(name), _page(name)) for name in COMMANDS),
    ]


def every_command(name: str) -> Iterator[tuple[str, click.Command]]:
    """A command of the table and all below it, each with what is typed for it."""
    yield from _with_children(_shown_name(name), load_command(name, COMMANDS[name]))


def _shown_name(name: str) -> str:
    return _SCRIPTS.get(name, f"saliedge {name}")


def _with_children(typed: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
    yield typed, command
    if isinstance(command, click.Group):
        for name in command.list_commands(click.Context(command)):
            child = command.get_command(click.Context(command), name)
            if child is not None and not child.hidden:
                yield from _with_children(f"{typed} {name}", child)


def _index() -> str:
    rows = [
        (f"[{code(_shown_name(name))}]({name}.md)", escaped(entry.help), code(entry.extra or ""))
        for name, entry in COMMANDS.items()
    ]
    scripts = ", ".join(f"{code(script)} is `saliedge {name}`" for name, script in _SCRIPTS.items())
    return (
        f"{_help(saliedge.help)}\n\n{table(('command', 'does', 'extra'), rows)}\n"
        f"{scripts}. `--help` prints what these pages say, which are made from the commands "
        "themselves. [Exit codes](../exit-codes.md) are the same for all.\n"
    )


def _page(name: str) -> str:
    entry = COMMANDS[name]
    parts = [f"Needs the extra `{entry.extra}`.\n"] if entry.extra else []
    for typed, command in every_command(name):
        if typed != _shown_name(name):
            parts.append(f"## {typed}\n")
        parts.append(_described(typed, command))
    if name in _SCRIPTS:
        parts.insert(0, f"Also `saliedge {name}`.\n")
    return "\n".join(parts)


def _described(typed: str, command: click.Command) -> str:
    context = click.Context(command, info_name=typed)
    usage = " ".join([typed, *command.collect_usage_pieces(context)])
    parts = [_help(command.help), fenced(usage)]
    options = [
        parameter
        for parameter in command.get_params(context)
        if isinstance(parameter, click.Option) and not parameter.hidden
    ]
    if options:
        rows = [_option_row(option, context) for option in options]
        parts.append(table(("option", "", "default"), rows))
    if command.epilog:
        parts.append(_help(command.epilog))
    return "\n\n".join(part for part in parts if part) + "\n"


def _option_row(option: click.Option, context: click.Context) -> tuple[str, str, str]:
    names = code(", ".join([*option.opts, *option.secondary_opts]))
    if not option.is_flag and not option.count:
        names += f" {code(option.make_metavar(context))}"
    said = escaped(option.help or "")
    if option.required:
        said = f"{said} Required."
    if option.multiple and "repeated" not in said:
        said = f"{said} Can be given several times."
    return names, said.strip(), _default(option, context)


def _default(option: click.Option, context: click.Context) -> str:
    # Where the help names the default in words, click is told so.
    extra = option.get_help_extra(context).get("default")
    return code(str(extra)) if extra else ""


def _help(text: str | None) -> str:
    """Click's help as Markdown: paragraphs, and those behind ``\\b`` as they are typed."""
    if not text:
        return ""
    paragraphs = inspect.cleandoc(text).split("\n\n")
    return "\n\n".join(
        fenced(paragraph.removeprefix("\b\n")) if paragraph.startswith("\b") else escaped(paragraph)
        for paragraph in paragraphs
    )
