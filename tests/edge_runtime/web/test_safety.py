"""What a stranger can and cannot do to the page, tried over a real socket."""

from __future__ import annotations

import contextlib
import re
import socket

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge_runtime.web import app, protocol
from tests.edge_runtime.web.conftest import Visitor

PATHS = ["/", "/static/page.js", "/static/page.css", "/live?viewer=me", "/nothing"]


@pytest.fixture(scope="module")
def visitor(serve_for_module):
    """A visitor of a page on loopback, which keeps nothing from one test to the next."""
    return Visitor(serve_for_module())


@pytest.fixture
def outside(serve):
    """Visitor and token of a page that is served to the network."""
    server = serve("0.0.0.0:0")
    return Visitor(server), server.url.partition("#")[2]


def _sign_in(visitor, token, **headers):
    return visitor.ask("/sign-in", "POST", token, **headers)


def _cookie(answer):
    return answer.headers["set-cookie"].partition(";")[0]


def test_on_loopback_nobody_is_asked_for_a_token(visitor):
    assert visitor.ask("/").status == 200
    assert visitor.live().status == 200


def test_the_default_address_is_reachable_from_this_machine_alone(serve):
    server = serve()
    assert server._listener.getsockname()[0] == "127.0.0.1"
    assert not server.warning


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example:80", "[2001:db8::1]", "", "10.0.0.1"]
)
def test_a_name_that_was_made_to_point_here_is_refused(visitor, host):
    answer = visitor.ask("/", Host=host)
    assert answer.status in (400, 421)
    assert b"<html" not in answer.body


@pytest.mark.parametrize("host", ["localhost:9", "127.0.0.1", "[::1]:8642", "LOCALHOST"])
def test_the_names_of_loopback_are_served(visitor, host):
    assert visitor.ask("/", Host=host).status == 200


def test_the_network_may_use_an_address_or_the_machines_name(outside):
    visitor, _ = outside
    name = socket.gethostname()
    assert visitor.ask("/", Host="192.0.2.7:8642").status == 401
    assert visitor.ask("/", Host=f"{name}:8642").status == 401
    assert visitor.ask("/", Host=f"{name}.local").status == 401
    assert visitor.ask("/", Host="evil.example").status == 421


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "https://127.0.0.1"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site", "Sec_Fetch_Mode": "no-cors"},
    ],
)
@pytest.mark.parametrize("path", ["/live?viewer=me", "/static/page.js"])
def test_another_site_gets_nothing_through_a_visitors_browser(visitor, path, headers):
    assert visitor.ask(path, **headers).status == 403


def test_a_link_on_another_site_leads_to_the_page(visitor):
    followed = {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "navigate"}
    assert visitor.ask("/", **followed).status == 200
    assert visitor.ask("/live?viewer=me", **followed).status == 403


def test_the_pages_own_requests_pass(visitor):
    own = {"Origin": f"http://127.0.0.1:{visitor.port}", "Sec_Fetch_Site": "same-origin"}
    assert visitor.live(**own).status == 200


@pytest.mark.parametrize("path", PATHS)
def test_every_answer_has_the_headers(visitor, path):
    headers = {name.lower(): value for name, value in visitor.ask(path).headers.items()}
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-store"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert "access-control-allow-origin" not in headers
    assert "server" not in headers


def test_refusals_have_the_headers_too(visitor):
    assert "Content-Security-Policy" in {
        name.title() for name in visitor.ask("/", Host="evil.example").headers
    }


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
@pytest.mark.parametrize("path", ["/", "/live?viewer=me", "/static/page.js"])
def test_nothing_can_be_written(visitor, method, path):
    assert visitor.ask(path, method).status == 405


@pytest.mark.parametrize(
    "path",
    ["/static/../server.py", "/static/%2e%2e/server.py", "/static//etc/passwd", "/static/app.py",
     "/static/page.css%00", "/../../etc/passwd"],
)  # fmt: skip
def test_only_the_pages_own_files_are_served(visitor, path):
    assert visitor.ask(path).status == 404


def test_a_long_body_is_refused_whatever_it_says_of_its_length(visitor):
    assert visitor.ask("/sign-in", "POST", b"x" * 1025).status == 413
    chunks = (b"x" * 600 for _ in range(4))
    assert visitor.ask("/sign-in", "POST", chunks).status == 413
    assert visitor.ask("/live?viewer=me", "GET", b"x" * 100_000).status == 413


def test_a_long_head_is_refused(visitor):
    assert visitor.ask("/", X_Long="x" * 100_000).status == 431
    assert visitor.ask("/live?viewer=" + "x" * 20_000).status == 431


def test_a_head_without_end_is_not_gathered(visitor):
    with socket.create_connection(("127.0.0.1", visitor.port), timeout=10) as endless:
        endless.sendall(b"GET / HTTP/1.1\r\nX-Long: ")
        with contextlib.suppress(OSError):
            for _ in range(400):
                endless.sendall(b"x" * 4096)
        with contextlib.suppress(ConnectionResetError):
            answer = endless.recv(64)
            assert answer == b"" or b" 400 " in answer


@pytest.mark.parametrize(
    "query", ["", "viewer=", "viewer=me&after=-1", "viewer=me&after=1e9", "viewer=me&map=x",
              "viewer=" + "x" * 65, "viewer=me&after=" + "9" * 20, "viewer=me&after=%C2%B2"],
)  # fmt: skip
def test_a_malformed_question_is_refused(visitor, query):
    assert visitor.ask(f"/live?{query}").status == 400


def test_viewers_are_limited_and_their_places_become_free(monkeypatch):
    now = [0.0]
    viewers = app.Viewers(2, clock=lambda: now[0])
    assert [viewers.admit(name) for name in ("a", "b", "c", "a")] == [True, True, False, True]
    now[0] = 6.0
    assert viewers.admit("c")


def test_one_viewer_too_many_is_told_to_come_back(serve):
    visitor = Visitor(serve(max_viewers=1))
    assert visitor.live("first").status == 200
    answer = visitor.live("second")
    assert answer.status == 503
    assert answer.headers["retry-after"] == "5"


@pytest.mark.parametrize("path", PATHS[1:])
def test_without_the_token_there_is_only_the_sign_in(outside, path):
    visitor, _ = outside
    public = path == "/static/page.css"
    assert visitor.ask(path).status == (200 if public else 401)
    page = visitor.ask("/")
    assert page.status == 401
    assert b'type="password"' in page.body


def test_the_token_opens_a_session(outside):
    visitor, token = outside
    answer = _sign_in(visitor, token)
    assert answer.status == 204
    assert re.search("(?i)httponly", answer.headers["set-cookie"])
    assert re.search("(?i)samesite=strict", answer.headers["set-cookie"])
    assert token not in answer.headers["set-cookie"]
    assert visitor.ask("/", Cookie=_cookie(answer)).status == 200
    assert visitor.live(Cookie=_cookie(answer)).status == 200


def test_a_program_may_give_the_token_itself(outside):
    visitor, token = outside
    assert visitor.live(Authorization=f"Bearer {token}").status == 200
    assert visitor.live(Authorization=f"Basic {token}").status == 401


@pytest.mark.parametrize(
    "cookie", ["saliedge=x", "saliedge-{port}=x", "saliedge-{port}=", ";;==", "\xff"]
)
def test_a_made_up_session_is_none(outside, cookie):
    visitor, _ = outside
    assert visitor.live(Cookie=cookie.format(port=visitor.port)).status == 401


def test_guessing_is_stopped_even_if_the_next_guess_is_right(outside):
    visitor, token = outside
    statuses = [_sign_in(visitor, f"guess {index}").status for index in range(7)]
    assert statuses == [401] * 5 + [429] * 2
    answer = _sign_in(visitor, token)
    assert answer.status == 429
    assert 0 < int(answer.headers["retry-after"]) <= 61
    assert visitor.live(Authorization=f"Bearer {token}").status == 401


def test_guesses_in_the_header_count_as_well(outside):
    visitor, token = outside
    for index in range(5):
        assert visitor.live(Authorization=f"Bearer guess{index}").status == 401
    assert _sign_in(visitor, token).status == 429


def test_who_is_in_stays_in_while_others_guess(outside):
    visitor, token = outside
    cookie = _cookie(_sign_in(visitor, token))
    for index in range(6):
        _sign_in(visitor, f"guess {index}")
    assert visitor.live(Cookie=cookie).status == 200


def test_an_address_that_is_claimed_in_a_header_is_not_believed(outside):
    visitor, token = outside
    for index in range(5):
        _sign_in(visitor, "guess", X_Forwarded_For=f"10.0.0.{index}")
    assert _sign_in(visitor, token, X_Forwarded_For="10.0.0.99").status == 429


def test_another_site_cannot_sign_a_visitor_in(outside):
    visitor, token = outside
    assert _sign_in(visitor, token, Origin="http://evil.example").status == 403


def test_a_connection_that_sends_nothing_is_closed(monkeypatch, visitor):
    monkeypatch.setattr(protocol, "_REQUEST_SECONDS", 0.05)
    with socket.create_connection(("127.0.0.1", visitor.port), timeout=10) as silent:
        assert silent.recv(1) == b""


def test_a_head_that_never_ends_is_closed_also_after_a_first_request(monkeypatch, visitor):
    monkeypatch.setattr(protocol, "_REQUEST_SECONDS", 2.0)
    head = f"GET /static/page.css HTTP/1.1\r\nHost: 127.0.0.1:{visitor.port}\r\n"
    with socket.create_connection(("127.0.0.1", visitor.port), timeout=10) as slow:
        slow.sendall(f"{head}\r\n{head}".encode())
        received = b""
        while part := slow.recv(65536):
            received += part
    assert received.count(b"HTTP/1.1 200") == 1


@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(
    method=st.sampled_from(["GET", "POST", "HEAD", "X"]),
    path=st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=60),
    headers=st.dictionaries(
        st.sampled_from(["Host", "Origin", "Cookie", "Authorization", "Content-Length", "Expect",
                         "Transfer-Encoding", "Upgrade", "Sec-Fetch-Site", "X-Forwarded-For"]),
        st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=40),
        max_size=5,
    ),
    body=st.binary(max_size=40),
)  # fmt: skip
def test_whatever_is_asked_the_page_goes_on(visitor, method, path, headers, body):
    lines = [f"{method} /{path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    request = "\r\n".join([*lines, "Connection: close", "", ""]).encode("latin-1") + body
    _send_and_look(visitor, request)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    before=st.sampled_from([b"", b"GET / HTTP/1.1\r\n", b"GET /live?viewer=me&after="]),
    data=st.binary(max_size=300),
    after=st.sampled_from([b"", b"\r\n\r\n", b" HTTP/1.1\r\nHost: localhost\r\n\r\n"]),
)
def test_whatever_bytes_come_the_page_goes_on(visitor, before, data, after):
    _send_and_look(visitor, before + data + after)


def _send_and_look(visitor, request):
    """Send bytes: the answer is none, or no error of the server's, and the next visitor is served.

    503 is an answer: there may be more viewers than places.
    """
    with socket.create_connection(("127.0.0.1", visitor.port), timeout=10) as connection:
        with contextlib.suppress(OSError):  # it may have heard enough
            connection.sendall(request)
            connection.shutdown(socket.SHUT_WR)
        with contextlib.suppress(ConnectionResetError):
            status = connection.recv(12)
            assert status[:5] in (b"", b"HTTP/")
            assert status[9:10] != b"5" or status[9:12] == b"503"
    assert visitor.ask("/static/page.css").status == 200
