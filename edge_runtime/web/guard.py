"""What every request passes before the page sees it, and every answer before it leaves.

1. *Host*: the name in the request must be this machine's, or an IP address. A page elsewhere whose
   name is made to point here (DNS rebinding) is refused.
2. *Origin*: what a browser sends on behalf of another site is refused; following a link to the page
   is not.
3. *Length*: a long head, or a body longer than any token, is refused.
4. *Token*: without a session or the token itself, only the sign-in is served.
5. *Headers*: nothing from elsewhere is loaded, framed, guessed or kept.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Collection
from http.cookies import CookieError, SimpleCookie

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from edge_runtime.web.access import Access

__all__ = ["Guard", "SecurityHeaders", "client_address"]

_MAX_BODY_BYTES = 1024
_BODY_SECONDS = 5.0
_MAX_HEAD_BYTES = 16 << 10
# "/" answers those who have not signed in with the way to do so.
_PUBLIC_PATHS = frozenset({"/", "/sign-in", "/static/page.css", "/static/sign-in.js"})
_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
    "cache-control": "no-store",
}


class SecurityHeaders:
    """Puts the headers on every answer, refusals included.

    Args:
        app: What answers.
        encrypted: Whether the page is served over TLS, which browsers shall then insist on.
    """

    def __init__(self, app: ASGIApp, encrypted: bool) -> None:
        self._app = app
        self._headers = dict(_HEADERS)
        if encrypted:
            self._headers["strict-transport-security"] = "max-age=31536000"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers[name] = value
            await send(message)

        await self._app(scope, receive, send_with_headers)


class Guard:
    """Refuses what is not for this page, and tells the page in ``state.signed_in`` who asks.

    Args:
        app: The page.
        access: Who may look.
        names: Host names of this machine, in lower case.
        loopback: Whether the page is for this machine alone, so that other addresses are refused.
        cookie: Name of the cookie that holds the session.
    """

    def __init__(
        self, app: ASGIApp, access: Access, names: Collection[str], loopback: bool, cookie: str
    ) -> None:
        self._app = app
        self._access = access
        self._names = frozenset(names) | {"localhost"}
        self._loopback = loopback
        self._cookie = cookie

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse, or hand on with a body of bounded length."""
        if scope["type"] != "http":
            return
        connection = HTTPConnection(scope)
        refusal = self._refusal(connection)
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        try:
            body = await asyncio.wait_for(
                _bounded_body(connection.headers, receive), timeout=_BODY_SECONDS
            )
        except TimeoutError:
            await PlainTextResponse("The request took too long.", 408)(scope, receive, send)
            return
        if body is None:
            await PlainTextResponse("The request is too long.", 413)(scope, receive, send)
            return
        given = False

        async def receive_body() -> Message:
            nonlocal given
            if given:
                return await receive()
            given = True
            return {"type": "http.request", "body": body, "more_body": False}

        await self._app(scope, receive_body, send)

    def _refusal(self, connection: HTTPConnection) -> Response | None:
        head = sum(len(name) + len(value) for name, value in connection.scope["headers"])
        if head + len(connection.scope["query_string"]) > _MAX_HEAD_BYTES:
            return PlainTextResponse("The head of the request is too long.", 431)
        if not self._is_own_host(connection.headers.get("host", "")):
            return PlainTextResponse("This is not the host that you asked for.", 421)
        if not _is_same_site(connection):
            return PlainTextResponse("Another site may not ask for this.", 403)
        connection.state.signed_in = _signed_in(connection, self._access, self._cookie)
        if not connection.state.signed_in and connection.url.path not in _PUBLIC_PATHS:
            return PlainTextResponse("Sign in first.", 401)
        return None

    def _is_own_host(self, header: str) -> bool:
        host = header.lower()
        if host.startswith("["):
            host = host.partition("]")[0].removeprefix("[")
        else:
            host = host.partition(":")[0]
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            return host.removesuffix(".") in self._names
        return address.is_loopback or not self._loopback


def _signed_in(connection: HTTPConnection, access: Access, cookie: str) -> bool:
    """Whether a request holds an open session, or the token as ``Authorization: Bearer``.

    A wrong token counts as a failed attempt; too many of them close this way for a while.
    """
    if not access.needs_token:
        return True
    try:
        jar = SimpleCookie(connection.headers.get("cookie", ""))
    except CookieError:
        jar = SimpleCookie()
    if cookie in jar and access.is_session(jar[cookie].value):
        return True
    scheme, _, token = connection.headers.get("authorization", "").partition(" ")
    address = client_address(connection)
    if scheme.lower() != "bearer" or access.limit.wait_seconds(address) > 0:
        return False
    if access.is_token(token.strip()):
        return True
    access.limit.failed(address)
    return False


def client_address(connection: HTTPConnection) -> str:
    """Return the address at the other end; headers that claim another are not believed."""
    return connection.client.host if connection.client is not None else ""


def _is_same_site(connection: HTTPConnection) -> bool:
    headers = connection.headers
    origin = headers.get("origin")
    if origin is not None and origin != f"{connection.url.scheme}://{headers.get('host', '')}":
        return False
    if headers.get("sec-fetch-site", "none") in ("none", "same-origin"):
        return True
    follows_link = headers.get("sec-fetch-mode") == "navigate" and connection.url.path == "/"
    return follows_link and connection.scope["method"] in ("GET", "HEAD")


async def _bounded_body(headers: Headers, receive: Receive) -> bytes | None:
    """Read a body; None if it is too long, however long it says it is."""
    length = headers.get("content-length", "0")
    if not length.isascii() or not length.isdigit() or int(length[:9]) > _MAX_BODY_BYTES:
        return None
    body = b""
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return body
        part: bytes = message.get("body", b"")
        body += part
        if len(body) > _MAX_BODY_BYTES:
            return None
        if not message.get("more_body", False):
            return body
