"""The server of the page, in a thread beside the loop."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import socket
import ssl
import threading
from pathlib import Path

import uvicorn

from edge_runtime.errors import OutputError, UsageError
from edge_runtime.quick_dataclass import dataclass
from edge_runtime.web.access import Access
from edge_runtime.web.address import ServeAddress
from edge_runtime.web.app import Viewers, page_application
from edge_runtime.web.guard import Guard, SecurityHeaders
from edge_runtime.web.protocol import ImpatientProtocol
from edge_runtime.web.view import LiveView

__all__ = ["PageServer", "ServeOptions"]

_JOIN_SECONDS = 3.0
_MAX_CONNECTIONS = 64
_MAX_HEADER_BYTES = 16 << 10
_MIN_TOKEN_LENGTH = 16


@dataclass(frozen=True)
class ServeOptions:
    """How the page is served.

    Attributes:
        address: Where.
        tls_cert: PEM file with the certificate chain; None for plain HTTP.
        tls_key: PEM file with its key.
        token_file: File that holds the token; one is generated if None. Not used on loopback.
        max_viewers: Viewers at the same time.
    """

    address: ServeAddress
    tls_cert: Path | None = None
    tls_key: Path | None = None
    token_file: Path | None = None
    max_viewers: int = 8

    def __post_init__(self) -> None:
        if (self.tls_cert is None) != (self.tls_key is None):
            raise UsageError("Give both --tls-cert and --tls-key, or neither.")


class PageServer:
    """Serves the page from its making until it is closed.

    Args:
        options: How.
        view: Where the loop publishes.

    Attributes:
        view: As given.
        url: Where the page is; with a token that was generated, its fragment signs in, and a
            fragment is never sent to a server or written to a log.
        warning: What is unsafe, one sentence; empty if nothing is.

    Raises:
        UsageError: The certificate, its key or the file of the token cannot be used.
        OutputError: The address cannot be listened on.
    """

    def __init__(self, options: ServeOptions, view: LiveView) -> None:
        self.view = view
        context = _tls_context(options)
        token = None if options.address.loopback else _token(options)
        listener = _listen(options.address)
        address = ServeAddress(options.address.host, listener.getsockname()[1])
        scheme = "http" if context is None else "https"
        fragment = f"#{token}" if token is not None and options.token_file is None else ""
        self.url = f"{scheme}://{_reachable(address)}/{fragment}"
        self.warning = ""
        if not address.loopback and context is None:
            self.warning = (
                "The page is served over plain HTTP: pictures and token can be read on the way. "
                "Give --tls-cert and --tls-key, or serve on 127.0.0.1 behind an SSH tunnel."
            )
        application = _application(options, self.view, Access(token), address, context is not None)
        config = uvicorn.Config(
            application,
            http=ImpatientProtocol,
            ws="none",
            loop="asyncio",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            limit_concurrency=_MAX_CONNECTIONS,
            h11_max_incomplete_event_size=_MAX_HEADER_BYTES,
            timeout_keep_alive=10,
            timeout_graceful_shutdown=1,
        )
        config.load()
        config.ssl = context
        self._server = uvicorn.Server(config)
        self._listener = listener
        self._thread = threading.Thread(
            target=self._server.run, args=([listener],), daemon=True, name="page"
        )
        self._thread.start()

    def close(self) -> None:
        """Let everybody go and end. May be called more than once."""
        self._server.should_exit = True
        self.view.close()
        self._thread.join(_JOIN_SECONDS)
        self._listener.close()


def _application(
    options: ServeOptions, view: LiveView, access: Access, address: ServeAddress, encrypted: bool
) -> SecurityHeaders:
    # Browsers share cookies between the ports of a host, so the port is part of the name.
    cookie = f"saliedge-{address.port}"
    page = page_application(view, access, Viewers(options.max_viewers), cookie, encrypted)
    host = socket.gethostname().lower()
    names = () if address.loopback else (host, f"{host}.local")
    return SecurityHeaders(Guard(page, access, names, address.loopback, cookie), encrypted)


def _tls_context(options: ServeOptions) -> ssl.SSLContext | None:
    if options.tls_cert is None or options.tls_key is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(options.tls_cert, options.tls_key, password=_no_password)
    except (OSError, ssl.SSLError, ValueError) as error:
        reason = getattr(error, "strerror", None) or getattr(error, "reason", None) or error
        raise UsageError(
            f"The certificate {options.tls_cert} with the key {options.tls_key} cannot be used "
            f"({reason}); give PEM files that belong together, the key without a password."
        ) from error
    return context


def _no_password() -> str:
    raise ValueError("the key has a password")


def _token(options: ServeOptions) -> str:
    if options.token_file is None:
        return secrets.token_urlsafe(24)
    try:
        token = options.token_file.read_text(encoding="ascii").strip()
        readable_by_others = _is_readable_by_others(options.token_file)
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"The token file {options.token_file} cannot be read; check the path and its "
            f"permissions."
        ) from error
    if len(token) < _MIN_TOKEN_LENGTH:
        raise UsageError(
            f"The token in {options.token_file} has fewer than {_MIN_TOKEN_LENGTH} characters; "
            f"make one: openssl rand -hex 24."
        )
    if readable_by_others:
        raise UsageError(
            f"The token file {options.token_file} can be read by others: chmod 600 "
            f"{options.token_file}"
        )
    return token


def _is_readable_by_others(path: Path) -> bool:
    """Tell whether anybody but the file's owner can read it.

    systemd's credentials are the service's alone, though the list of who may read them (an ACL)
    shows as the right of a group.
    """
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    if folder and path.parent == Path(folder):
        return False
    return bool(path.stat().st_mode & 0o077)


def _listen(address: ServeAddress) -> socket.socket:
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address.host, address.port))
        listener.listen(_MAX_CONNECTIONS)
    except OSError as error:
        listener.close()
        remedy = {
            errno.EADDRINUSE: "another program serves there; choose another port",
            errno.EACCES: "ports below 1024 are the system's; choose another",
            errno.EADDRNOTAVAIL: "this machine has no such address",
        }.get(error.errno or 0, "choose another address")
        raise OutputError(f"The page cannot be served on {address.authority}: {remedy}.") from error
    return listener


def _reachable(address: ServeAddress) -> str:
    """Return an authority that a browser can open, for the addresses that mean all of them."""
    if address.host not in ("0.0.0.0", "::"):
        return address.authority
    with contextlib.suppress(OSError):
        return f"{socket.gethostname()}:{address.port}"
    return address.authority
