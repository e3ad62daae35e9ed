"""The token, its sessions, and the limit on guesses, by a clock of the test's own."""

from __future__ import annotations

import pytest

from edge_runtime.web.access import Access, AttemptLimit


class _Clock:
    now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return _Clock()


def test_the_token_and_nothing_else_is_the_token():
    access = Access("s3cret-token")
    assert access.is_token("s3cret-token")
    assert not any(
        map(access.is_token, ["", "s3cret-toke", "s3cret-tokenx", "\udcff", "S3CRET-TOKEN"])
    )


def test_without_a_token_none_is_right():
    access = Access(None)
    assert not access.needs_token
    assert not access.is_token("")


def test_a_session_ends_after_half_a_day(clock):
    access = Access("token", clock)
    session = access.open_session()
    clock.now += 12 * 3600 - 1
    assert access.is_session(session)
    clock.now += 2
    assert not access.is_session(session)


def test_sessions_are_bounded_and_the_oldest_ends_first(clock):
    access = Access("token", clock)
    sessions = [access.open_session() for _ in range(70)]
    assert [access.is_session(session) for session in sessions] == [False] * 6 + [True] * 64


def test_five_failures_close_the_way_for_a_minute(clock):
    limit = AttemptLimit(clock)
    for _ in range(5):
        assert limit.wait_seconds("10.0.0.1") == 0
        limit.failed("10.0.0.1")
    assert limit.wait_seconds("10.0.0.1") == 60
    assert limit.wait_seconds("10.0.0.2") == 0
    clock.now += 60
    assert limit.wait_seconds("10.0.0.1") == 0


def test_the_addresses_of_one_host_of_ipv6_count_as_one(clock):
    limit = AttemptLimit(clock)
    for index in range(5):
        limit.failed(f"2001:db8::{index}")
    assert limit.wait_seconds("2001:db8::ffff") > 0
    assert limit.wait_seconds("2001:db8:0:1::1") == 0


def test_addresses_of_ipv4_on_a_socket_of_ipv6_are_told_apart(clock):
    limit = AttemptLimit(clock)
    for _ in range(5):
        limit.failed("::ffff:10.0.0.1")
    assert limit.wait_seconds("10.0.0.1") > 0
    assert limit.wait_seconds("::ffff:10.0.0.2") == 0


def test_guesses_from_many_addresses_are_limited_together(clock):
    limit = AttemptLimit(clock)
    for index in range(60):
        limit.failed(f"10.0.1.{index}")
    assert limit.wait_seconds("10.9.9.9") > 0


def test_memory_is_bounded_however_many_guess(clock):
    limit = AttemptLimit(clock)
    for index in range(5000):
        limit.failed(f"10.{index // 250}.{index % 250}.1")
    assert len(limit._of_address) <= 1024
