"""Who may look: a token, the sessions that it opens, and a limit on guesses."""

from __future__ import annotations

import hashlib
import ipaddress
import secrets
import time
from collections import OrderedDict, deque
from collections.abc import Callable

__all__ = ["SESSION_SECONDS", "Access", "AttemptLimit"]

SESSION_SECONDS = 12 * 3600
"""How long a session lasts."""

_MAX_SESSIONS = 64
_WINDOW_SECONDS = 60.0
_FAILURES_OF_ONE = 5
_FAILURES_OF_ALL = 60
_MAX_ADDRESSES = 1024


class AttemptLimit:
    """Limits failed attempts, of each address and of all together, in a sliding minute.

    Args:
        clock: Monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._of_address: OrderedDict[str, deque[float]] = OrderedDict()
        self._of_all: deque[float] = deque(maxlen=_FAILURES_OF_ALL)

    def wait_seconds(self, address: str) -> float:
        """Return for how long an address may not try; 0 if it may."""
        now = self._clock()
        waits = [0.0]
        own = self._of_address.get(_network(address))
        for failures in (own, self._of_all):
            if failures is not None and len(failures) == failures.maxlen:
                waits.append(failures[0] + _WINDOW_SECONDS - now)
        return max(waits)

    def failed(self, address: str) -> None:
        """Note a failed attempt."""
        now = self._clock()
        network = _network(address)
        own = self._of_address.pop(network, None) or deque(maxlen=_FAILURES_OF_ONE)
        own.append(now)
        self._of_all.append(now)
        self._of_address[network] = own
        while len(self._of_address) > _MAX_ADDRESSES:
            self._of_address.popitem(last=False)


class Access:
    """The token and the sessions of those who have shown it.

    Args:
        token: The token; None to let everybody in.
        clock: Monotonic seconds.
    """

    def __init__(self, token: str | None, clock: Callable[[], float] = time.monotonic) -> None:
        self.limit = AttemptLimit(clock)
        self._clock = clock
        self._token = None if token is None else _digest(token)
        # Digests alone, so that nothing in memory is worth stealing.
        self._sessions: OrderedDict[bytes, float] = OrderedDict()

    @property
    def needs_token(self) -> bool:
        """Whether a token must be shown."""
        return self._token is not None

    def is_token(self, text: str) -> bool:
        """Compare in constant time."""
        return self._token is not None and secrets.compare_digest(_digest(text), self._token)

    def open_session(self) -> str:
        """Return the secret of a new session; the oldest of too many ends."""
        session = secrets.token_urlsafe(32)
        self._sessions[_digest(session)] = self._clock() + SESSION_SECONDS
        while len(self._sessions) > _MAX_SESSIONS:
            self._sessions.popitem(last=False)
        return session

    def is_session(self, text: str) -> bool:
        """Whether a session is open."""
        ends = self._sessions.get(_digest(text))
        return ends is not None and self._clock() < ends


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()


def _network(address: str) -> str:
    """Return what counts as one guesser: an IPv4 address, or the /64 that a host of IPv6 owns."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:  # how a socket for both kinds names an IPv4 address
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)
