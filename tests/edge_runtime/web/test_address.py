"""Where the page may be served."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_runtime.errors import UsageError
from edge_runtime.web.address import ServeAddress


@pytest.mark.parametrize(
    ("text", "host", "port", "loopback"),
    [
        ("127.0.0.1:8642", "127.0.0.1", 8642, True),
        ("8642", "127.0.0.1", 8642, True),
        ("localhost:80", "127.0.0.1", 80, True),
        ("127.8.9.1:1", "127.8.9.1", 1, True),
        ("[::1]:8642", "::1", 8642, True),
        ("0.0.0.0:8642", "0.0.0.0", 8642, False),
        ("[::]:8642", "::", 8642, False),
        ("192.168.1.7:8642", "192.168.1.7", 8642, False),
    ],
)
def test_an_address_is_read(text, host, port, loopback):
    address = ServeAddress.parse(text)
    assert (address.host, address.port, address.loopback) == (host, port, loopback)
    assert ServeAddress.parse(address.authority) == address


@pytest.mark.parametrize(
    "text", ["", "host", "example.org:80", "127.0.0.1:70000", "1:2:3", "a b:1"]
)
def test_what_is_no_address_is_a_usage_error(text):
    with pytest.raises(UsageError):
        ServeAddress.parse(text)


@given(st.text(max_size=40))
def test_any_text_is_an_address_or_a_usage_error(text):
    try:
        ServeAddress.parse(text)
    except UsageError as error:
        assert str(error)
