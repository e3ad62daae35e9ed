"""The command ``saliedge``: a table of commands that are imported only when they are used."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from importlib import import_module
from typing import NoReturn

import click

from edge_runtime import __version__
from edge_runtime.command_settings import SETTINGS
from edge_runtime.errors import DependencyError, exit_code_table, missing_module_error, run_command
from edge_runtime.quick_dataclass import dataclass

__all__ = ["COMMANDS", "LazyCommand", "load_command", "main", "saliedge"]


@dataclass(frozen=True)
class LazyCommand:
    """A command that is known by name until it is used.

    Attributes:
        target: ``module:attribute`` of the click command.
        help: One line for ``saliedge --help``, so that listing commands imports none of them.
        extra: Extra of the distribution that the command needs; None for the device's own.
    """

    target: str
    help: str
    extra: str | None = None


COMMANDS: dict[str, LazyCommand] = {
    "train": LazyCommand(
        "train.commands.train:train", "Train a network with learned ranges.", "train"
    ),
    "evaluate": LazyCommand(
        "train.commands.evaluate:evaluate", "Measure a run or a bundle on images.", "train"
    ),
    "study": LazyCommand(
        "train.commands.study:study", "Compare training methods and bit widths by folds.", "train"
    ),
    "sweep": LazyCommand(
        "train.commands.sweep:sweep",
        "Search settings in many trials, on one machine or more.",
        "train",
    ),
    "data": LazyCommand("train.commands.data:data", "Make or inspect data sets.", "train"),
    "export": LazyCommand("export.cli:export", "Turn a run into an INT8 bundle.", "export"),
    "reader-study": LazyCommand(
        "train.commands.reader_study:reader_study", "Find out whether maps help readers.", "train"
    ),
    "inspect": LazyCommand("edge_runtime.commands.inspect:inspect", "Show what a bundle holds."),
    "verify": LazyCommand(
        "edge_runtime.commands.verify:verify",
        "Check a bundle's files, signature and golden outputs here.",
    ),
    "sign": LazyCommand("edge_runtime.commands.sign:sign", "Sign a bundle with your key.", "sign"),
    "keys": LazyCommand(
        "edge_runtime.commands.keys:keys", "Make or show a key to sign with.", "sign"
    ),
    "models": LazyCommand(
        "edge_runtime.commands.models:models", "Install and choose the models of this device."
    ),
    "doctor": LazyCommand(
        "edge_runtime.commands.doctor:doctor", "Look whether this device is fit to run."
    ),
    "health": LazyCommand(
        "edge_runtime.commands.health:health", "Ask a run whether it classifies frames."
    ),
    "service": LazyCommand(
        "edge_runtime.commands.service:service", "What systemd needs to run edge-infer."
    ),
    "infer": LazyCommand(
        "edge_runtime.infer.cli:infer", "Classify a camera, video or images (also: edge-infer)."
    ),
    "cameras": LazyCommand(
        "edge_runtime.commands.cameras:cameras", "List the cameras of this machine."
    ),
    "bench": LazyCommand("benchmarks.cli:bench", "Measure latency, memory and size."),
}

_EPILOG = f"""\b
Examples:
  saliedge data synth --out demo/data --count 600
  saliedge train --data demo/data --out runs/first
  saliedge export runs/first --int8 --out first.edge
  saliedge inspect first.edge
  saliedge infer --bundle first.edge --source photos --jsonl predictions.jsonl
  saliedge infer --bundle first.edge --camera 0 --save-overlay pictures

\b
Exit codes of every command:
{exit_code_table()}
"""


class _LazyGroup(click.Group):
    """A click group over :data:`COMMANDS`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of the table, which is the order of the work."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command of the table."""
        entry = COMMANDS.get(cmd_name)
        return None if entry is None else load_command(cmd_name, entry)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or name the one that was probably meant."""
        close = difflib.get_close_matches(args[0], COMMANDS, 1)
        if close and args[0] not in COMMANDS:
            raise click.UsageError(f"No such command {args[0]!r}. Did you mean {close[0]!r}?", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands from the table alone."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.help) for name, entry in COMMANDS.items()])


def load_command(name: str, entry: LazyCommand) -> click.Command:
    """Import a command.

    Raises:
        DependencyError: A package of the command's extra is not installed; it names the extra.
    """
    module_name, _, attribute = entry.target.partition(":")
    try:
        command = getattr(import_module(module_name), attribute)
    except ModuleNotFoundError as error:
        package = module_name.partition(".")[0]
        if entry.extra is None or (error.name != package and missing_module_error(error) is None):
            raise
        raise DependencyError(
            f"`saliedge {name}` needs the {entry.extra} extra (no module {error.name!r} here): "
            f"pip install 'saliedge[{entry.extra}]'."
        ) from error
    if not isinstance(command, click.Command):
        raise TypeError(f"{entry.target} is not a click command")
    return command


@click.group(cls=_LazyGroup, epilog=_EPILOG, context_settings=SETTINGS)
@click.version_option(__version__, prog_name="saliedge")
def saliedge() -> None:
    """Medical image classifiers for small ARM boards, from images to a prediction that explains.

    Train with learned quantisation ranges, export an INT8 bundle for ONNX Runtime and LiteRT, and
    run it beside the camera with a saliency map. For research use, not a diagnosis.
    """


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Entry point of the script ``saliedge``."""
    run_command(saliedge, arguments, name="saliedge")
