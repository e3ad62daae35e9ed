"""The page's routes: read-only but for signing in."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import anyio.to_thread
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from edge_runtime.web.access import SESSION_SECONDS, Access
from edge_runtime.web.guard import client_address
from edge_runtime.web.view import LiveView, encode_moment

__all__ = ["Viewers", "page_application"]

_STATIC = Path(__file__).with_name("static")
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_WAIT_SECONDS = 1.0


class Viewers:
    """Who looks at present, and how many may.

    Args:
        most: Viewers at the same time.
        clock: Monotonic seconds.
    """

    def __init__(self, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._clock = clock
        self._seen: dict[str, float] = {}

    def admit(self, viewer: str) -> bool:
        """Note that a viewer looks; False if there are too many others."""
        now = self._clock()
        self._seen = {name: at for name, at in self._seen.items() if now - at < 5}
        if viewer not in self._seen and len(self._seen) >= self._most:
            return False
        self._seen[viewer] = now
        return True

    def __len__(self) -> int:
        return len(self._seen)


def page_application(
    view: LiveView, access: Access, viewers: Viewers, cookie: str, encrypted: bool
) -> Starlette:
    """Return the application without its guard.

    Args:
        view: What is shown.
        access: Who may look.
        viewers: Who looks.
        cookie: Name of the session's cookie.
        encrypted: Whether it is served over TLS, so that the cookie is sent over nothing else.
    """
    page = _Page(view, viewers)
    door = _Door(access, cookie, encrypted)
    routes = [
        Route("/", page.index),
        Route("/static/{name}", page.static),
        Route("/live", page.live),
        Route("/sign-in", door.sign_in, methods=["POST"]),
    ]
    return Starlette(routes=routes)


class _Page:
    """What is read: the page's files, held in memory, and what there is to see on it."""

    def __init__(self, view: LiveView, viewers: Viewers) -> None:
        self._view = view
        self._viewers = viewers
        self._files = {
            f"/static/{path.name}": (path.read_bytes(), _TYPES[path.suffix])
            for path in _STATIC.iterdir()
            if path.suffix in _TYPES
        }

    async def index(self, request: Request) -> Response:
        if request.state.signed_in:
            return _file(*self._files["/static/page.html"])
        return _file(*self._files["/static/sign-in.html"], status=401)

    async def static(self, request: Request) -> Response:
        found = self._files.get(request.url.path)
        return PlainTextResponse("Not found.", 404) if found is None else _file(*found)

    async def live(self, request: Request) -> Response:
        viewer = request.query_params.get("viewer", "")
        numbers = [request.query_params.get(name, "0") for name in ("after", "map")]
        if not all(text.isascii() and text.isdigit() and len(text) < 16 for text in numbers):
            return PlainTextResponse("`after` and `map` are whole numbers.", 400)
        if not 1 <= len(viewer) <= 64:
            return PlainTextResponse("`viewer` is a name of up to 64 characters.", 400)
        if not self._viewers.admit(viewer):
            return PlainTextResponse("Too many viewers.", 503, {"retry-after": "5"})
        after, map_after = (int(text) for text in numbers)
        moment = await self._view.after(after, _WAIT_SECONDS)
        state = self._view.state(moment, len(self._viewers))
        data = await anyio.to_thread.run_sync(encode_moment, moment, state, after, map_after)
        return Response(data, media_type="application/octet-stream")


class _Door:
    """Who is let in: the token opens a session, whose cookie the guard asks for."""

    def __init__(self, access: Access, cookie: str, encrypted: bool) -> None:
        self._access = access
        self._cookie = cookie
        self._encrypted = encrypted

    async def sign_in(self, request: Request) -> Response:
        address = client_address(request)
        wait = self._access.limit.wait_seconds(address)
        if wait > 0:
            seconds = str(int(wait) + 1)
            return PlainTextResponse("Too many attempts.", 429, {"retry-after": seconds})
        token = (await request.body()).decode("ascii", "replace").strip()
        if not self._access.is_token(token):
            self._access.limit.failed(address)
            return PlainTextResponse("This is not the token.", 401)
        response = Response(status_code=204)
        response.set_cookie(
            self._cookie,
            self._access.open_session(),
            max_age=SESSION_SECONDS,
            secure=self._encrypted,
            httponly=True,
            samesite="strict",
        )
        return response


def _file(content: bytes, media_type: str, status: int = 200) -> Response:
    return Response(content, status, media_type=media_type)
