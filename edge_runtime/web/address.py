"""Where the page is served, and whether that is this machine alone."""

from __future__ import annotations

import ipaddress
import re

from edge_runtime.errors import UsageError
from edge_runtime.quick_dataclass import dataclass

__all__ = ["DEFAULT_ADDRESS", "ServeAddress"]

DEFAULT_ADDRESS = "127.0.0.1:8642"
_PATTERN = re.compile(r"(?:(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+):)?(?P<port>\d{1,5})")


@dataclass(frozen=True)
class ServeAddress:
    """An address to listen on.

    Attributes:
        host: IP address, without brackets.
        port: 0 for any free one.
    """

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> ServeAddress:
        """Read ``HOST:PORT`` or ``PORT``; the host is an IP address or ``localhost``.

        Raises:
            UsageError: It is neither.
        """
        match = _PATTERN.fullmatch(text)
        if match is None or int(match["port"]) > 65535:
            raise UsageError(
                f"{text!r} is no address to serve on; write HOST:PORT, e.g. {DEFAULT_ADDRESS}."
            )
        host = (match["host"] or "127.0.0.1").strip("[]")
        if host == "localhost":
            host = "127.0.0.1"
        try:
            ipaddress.ip_address(host)
        except ValueError:
            raise UsageError(
                f"{host!r} is no IP address; serve on 127.0.0.1, [::1], 0.0.0.0 or an address of "
                f"this machine."
            ) from None
        return cls(host, int(match["port"]))

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach it."""
        return ipaddress.ip_address(self.host).is_loopback

    @property
    def authority(self) -> str:
        """``host:port`` as it stands in a URL."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"
