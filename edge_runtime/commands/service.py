"""The command ``saliedge service``: what systemd needs to run ``edge-infer``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import click

import edge_runtime
from edge_runtime.command_settings import SETTINGS
from edge_runtime.errors import DependencyError
from edge_runtime.messages import say

__all__ = ["service"]

_EPILOG = """\b
Examples:
  saliedge service unit | sudo tee /etc/systemd/system/saliedge.service
  saliedge service unit --config /etc/saliedge/edge-infer.toml --allow 192.168.1.0/24
  saliedge service unit --credential token:/etc/saliedge/token
"""
# What `ProtectHome=yes` and `PrivateTmp=yes` of the unit hide from the service.
_HIDDEN = ("/home", "/root", "/run/user", "/tmp", "/var/tmp")


@click.group("service", epilog=_EPILOG, context_settings=SETTINGS)
def service() -> None:
    """Run edge-infer as a service of this device."""


@service.command("unit", context_settings=SETTINGS)
@click.option(
    "--config",
    default="/etc/saliedge/edge-infer.toml",
    show_default=True,
    metavar="FILE.toml",
    help="Options of edge-infer.",
)
@click.option(
    "--watchdog-seconds",
    type=click.IntRange(min=0),
    default=30,
    show_default=True,
    metavar="N",
    help="Restart after so long without a processed frame; 0 for never.",
)
@click.option(
    "--allow",
    "addresses",
    multiple=True,
    metavar="ADDRESS[/BITS]",
    help="Network that the service may talk to, besides this machine; may be repeated.",
)
@click.option(
    "--credential",
    "credentials",
    multiple=True,
    metavar="NAME:FILE",
    help="Secret that only root can read, for the service as "
    "/run/credentials/saliedge.service/NAME; may be repeated.",
)
@click.option(
    "--user",
    metavar="NAME",
    help="System user to run as; default: one that systemd makes up for each run.",
)
def unit(
    config: str,
    watchdog_seconds: int,
    addresses: tuple[str, ...],
    credentials: tuple[str, ...],
    user: str | None,
) -> None:
    """Print the systemd unit for this installation."""
    from edge_runtime.service.unit import UnitOptions, unit_text

    executable = Path(sys.prefix) / "bin" / "edge-infer"
    if not executable.exists():
        raise DependencyError(
            f"{executable} does not exist; install saliedge into an environment of its own."
        )
    options = UnitOptions(str(executable), config, watchdog_seconds, addresses, credentials, user)
    click.echo(unit_text(options), nl=False)
    hidden = _hidden_part(executable, _HIDDEN)
    if hidden is not None:
        part, folder = hidden
        say(
            f"{part} lies in {folder}, which the unit hides from the service, so that it would not "
            "start; install into /opt/saliedge with a Python of the system instead.",
            "warning",
        )


def _hidden_part(executable: Path, folders: Sequence[str]) -> tuple[Path, str] | None:
    """Find a part of this installation below one of some folders, links followed.

    Returns:
        The part (the command, the package or the Python that both run in) and the folder; None if
        all of them can be seen.
    """
    for part in (executable, Path(edge_runtime.__file__).parent, Path(sys.base_prefix)):
        for folder in folders:
            for place in (part, part.resolve()):
                if place.is_relative_to(folder):
                    return place, folder
    return None
