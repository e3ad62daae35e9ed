"""The options of ``edge-infer`` for outputs of a device that runs unattended."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, TypeVar

import click

from edge_runtime.errors import UsageError
from edge_runtime.option_group import give_options, take_options
from edge_runtime.quick_dataclass import dataclass

__all__ = ["OutputOptions", "output_options", "take_outputs"]

_Command = TypeVar("_Command", bound=Callable[..., Any])
_LEAST_FILE_BYTES = 4096
_MQTT_PORT, _MQTT_TLS_PORT = 1883, 8883


@dataclass(frozen=True)
class OutputOptions:
    """The options, as given; see :func:`output_options` for what each means."""

    jsonl_max_bytes: int | None = None
    jsonl_keep: int = 4
    mqtt: str | None = None
    mqtt_topic: str | None = None
    mqtt_user: str | None = None
    mqtt_password_file: str | None = None
    mqtt_tls: bool = False
    mqtt_ca: str | None = None
    mqtt_seconds: float = 0.0
    metrics: str | None = None
    stale_seconds: float = 10.0
    sink: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.mqtt is None and (self.mqtt_user or self.mqtt_tls or self.mqtt_topic):
            raise UsageError("--mqtt-topic, --mqtt-user and --mqtt-tls need --mqtt HOST.")

    @property
    def mqtt_host_port(self) -> tuple[str, int]:
        """Host and port of the broker.

        Raises:
            UsageError: ``mqtt`` is no address.
        """
        text = str(self.mqtt)
        # An IPv6 address has colons of its own: only in brackets does a port follow it.
        host, separator, port = text.rpartition("]:" if text.startswith("[") else ":")
        if not separator or (":" in host and not text.startswith("[")):
            host, port = text, str(_MQTT_TLS_PORT if self.mqtt_tls else _MQTT_PORT)
        host = host.strip("[]")
        if not host or not (port.isascii() and port.isdigit()) or not 0 < int(port) < 65536:
            raise UsageError(f"{text!r} is no MQTT broker; write HOST or HOST:PORT.")
        return host, int(port)

    @property
    def topic(self) -> str:
        """What the topics begin with; ``saliedge/`` and this machine's name by default."""
        return self.mqtt_topic or f"saliedge/{os.uname().nodename}"


_OPTIONS = (
    click.option(
        "--jsonl-max-bytes",
        type=click.IntRange(min=_LEAST_FILE_BYTES),
        metavar="N",
        help="Put the file of JSON lines aside at this size, as FILE.1, and begin a new one; a "
        "later run goes on with it.",
    ),
    click.option(
        "--jsonl-keep",
        type=click.IntRange(min=0, max=10_000),
        default=OutputOptions.jsonl_keep,
        show_default=True,
        metavar="N",
        help="How many files put aside are kept.",
    ),
    click.option(
        "--mqtt", metavar="HOST[:PORT]", help="Send predictions to an MQTT broker (no pictures)."
    ),
    click.option("--mqtt-topic", metavar="TOPIC", help="Default: saliedge/ and the host's name."),
    click.option("--mqtt-user", metavar="NAME", help="User name for the broker."),
    click.option("--mqtt-password-file", metavar="FILE", help="Its first line is the password."),
    click.option("--mqtt-tls", is_flag=True, help="Encrypt, and check the broker's certificate."),
    click.option("--mqtt-ca", metavar="FILE.pem", help="Certificates to trust with --mqtt-tls."),
    click.option(
        "--mqtt-seconds",
        type=click.FloatRange(min=0),
        default=OutputOptions.mqtt_seconds,
        show_default=True,
        help="Send a prediction that often at most; 0 for every frame's.",
    ),
    click.option(
        "--metrics",
        metavar="[HOST:]PORT",
        help="Serve Prometheus metrics at /metrics and health at /healthz; without HOST to this "
        "machine only.",
    ),
    click.option(
        "--stale-seconds",
        type=click.FloatRange(min=0.1),
        default=OutputOptions.stale_seconds,
        show_default=True,
        help="Not healthy any more if no frame was classified for so long.",
    ),
    click.option(
        "--sink",
        multiple=True,
        metavar="NAME[=ARGUMENT]",
        help="Send predictions to a sink that an installed plug-in adds; may be repeated.",
    ),
)


def output_options(command: _Command) -> _Command:
    """Give a click command the options of :class:`OutputOptions`."""
    return give_options(command, _OPTIONS)


def take_outputs(arguments: dict[str, Any]) -> OutputOptions:
    """Take the options out of a command's arguments."""
    return take_options(OutputOptions, arguments)
