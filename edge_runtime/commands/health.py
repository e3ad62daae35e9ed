"""The command ``saliedge health``: does a run on this device classify frames?"""

from __future__ import annotations

import http.client
import json

import click

from edge_runtime.command_settings import SETTINGS
from edge_runtime.errors import GateError, reason_of

__all__ = ["health"]

_EPILOG = """\b
Examples:
  saliedge health
  saliedge health --metrics 127.0.0.1:9470 --json

\b
Exit code 0 if the run classifies frames, 8 if it does not or nobody answers.
"""
_SECONDS = 5.0


@click.command("health", epilog=_EPILOG, context_settings=SETTINGS)
@click.option(
    "--metrics",
    default="127.0.0.1:9464",
    show_default=True,
    metavar="[HOST:]PORT",
    help="Where the run was told to serve its metrics.",
)
@click.option("--json", "as_json", is_flag=True, help="The whole answer, for programs.")
def health(metrics: str, as_json: bool) -> None:
    """Ask a running `edge-infer --metrics` whether it classifies frames."""
    from edge_runtime.monitoring.server import parse_address

    host, port = parse_address(metrics)
    try:
        connection = http.client.HTTPConnection(host, port, timeout=_SECONDS)
        connection.request("GET", "/healthz", headers={"Connection": "close"})
        record = json.loads(connection.getresponse().read())
        healthy, reason, frames = record["healthy"], record["reason"], record["frames"]
    except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError) as error:
        raise GateError(
            f"Nobody answers at {metrics} as edge-infer does ({reason_of(error)}); start it "
            f"with --metrics {metrics}."
        ) from error
    if as_json:
        click.echo(json.dumps(record))
    if not healthy:
        raise GateError(f"The run is not healthy: {reason}; see its log.")
    if not as_json:
        click.echo(f"healthy, {frames} frames")
