"""The protocol of ``sd_notify(3)``: datagrams to the service manager that started this process."""

from __future__ import annotations

import os
from collections.abc import Mapping

__all__ = ["ServiceManager"]


class ServiceManager:
    """The manager that waits for word from this process.

    What cannot be delivered is dropped: a manager that does not listen must not stop the pictures.

    Args:
        address: Its socket: a path, or ``@NAME`` for an abstract one.
        watchdog_seconds: After how long without :meth:`feed_watchdog` it ends this process; None
            if it never does.
    """

    def __init__(self, address: str, watchdog_seconds: float | None) -> None:
        self.watchdog_seconds = watchdog_seconds
        self._address = f"\0{address[1:]}" if address.startswith("@") else address

    @classmethod
    def from_environment(
        cls, environment: Mapping[str, str] = os.environ, process_id: int | None = None
    ) -> ServiceManager | None:
        """Return the manager that the environment names; None if nobody waits for word."""
        address = environment.get("NOTIFY_SOCKET", "")
        if not address.startswith(("/", "@")):
            return None
        return cls(address, _watchdog_seconds(environment, process_id or os.getpid()))

    def ready(self, status: str) -> None:
        """Say that the service works."""
        self._send(f"READY=1\nSTATUS={_line(status)}")

    def feed_watchdog(self) -> None:
        """Say that the service still works."""
        self._send("WATCHDOG=1")

    def status(self, status: str) -> None:
        """Tell in a line how things are, for ``systemctl status``."""
        self._send(f"STATUS={_line(status)}")

    def stopping(self) -> None:
        """Say that the service ends in order."""
        self._send("STOPPING=1")

    def _send(self, message: str) -> None:
        import socket  # only a service needs it

        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
                channel.setblocking(False)
                channel.sendto(message.encode("utf-8", "replace"), self._address)
        except (OSError, ValueError):
            return


def _watchdog_seconds(environment: Mapping[str, str], process_id: int) -> float | None:
    """Return the watchdog's time if it is this process that it watches."""
    if environment.get("WATCHDOG_PID", str(process_id)) != str(process_id):
        return None
    try:
        microseconds = int(environment.get("WATCHDOG_USEC", ""))
    except ValueError:
        return None
    return microseconds / 1e6 if microseconds > 0 else None


def _line(text: str) -> str:
    return " ".join(text.split())
