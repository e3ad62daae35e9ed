"""A service manager that only listens."""

from __future__ import annotations

import socket

import pytest


class Manager:
    """The socket of a service manager."""

    def __init__(self, path):
        self.address = str(path)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(self.address)
        self._socket.setblocking(False)

    def received(self):
        """What arrived since the last call."""
        messages = []
        while True:
            try:
                messages.append(self._socket.recv(4096).decode())
            except BlockingIOError:
                return messages

    def wait(self):
        """The next message; fails after a minute."""
        self._socket.settimeout(60)
        try:
            return self._socket.recv(4096).decode()
        finally:
            self._socket.setblocking(False)

    def close(self):
        self._socket.close()


@pytest.fixture
def manager(tmp_path):
    manager = Manager(tmp_path / "notify")
    yield manager
    manager.close()
