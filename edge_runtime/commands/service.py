"""The command ``saliedge service``: what systemd needs to run ``edge-infer``."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from edge_runtime.errors import DependencyError
from edge_runtime.messages import say

__all__ = ["service"]

_EPILOG = """\b
Examples:
  saliedge service unit | sudo tee /etc/systemd/system/saliedge.service
  saliedge service unit --config /etc/saliedge/edge-infer.toml --allow 192.168.1.0/24
  saliedge service unit --credential token:/etc/saliedge/token
"""
_CONTEXT = {"help_option_names": ["-h", "--help"]}
_HOMES = ("/home/", "/root/")


@click.group("service", epilog=_EPILOG, context_settings=_CONTEXT)
def service() -> None:
    """Run edge-infer as a service of this device."""


@service.command("unit", context_settings=_CONTEXT)
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
    if str(executable).startswith(_HOMES):
        say(
            f"{executable} lies in a home directory, which the unit closes; install into "
            "/opt/saliedge instead.",
            "warning",
        )
