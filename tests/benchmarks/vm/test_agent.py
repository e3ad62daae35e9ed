"""The guest agent's protocol, with a socket for the machine's serial port."""

from __future__ import annotations

import json
import socket
import threading

import pytest

from benchmarks.vm.agent import Agent, Ended
from edge_runtime.errors import SaliedgeError

LEFT_FROM_BEFORE = b'{"return": {}}\n\xff'


class _Guest(threading.Thread):
    """Answers as qemu-ga does, whose only program prints its input and ends with 3."""

    def __init__(self, path, answers=True):
        super().__init__(daemon=True)
        self.answers, self.asked = answers, []
        self._server = socket.socket(socket.AF_UNIX)
        self._server.bind(str(path))
        self._server.listen()

    def run(self):
        connection, _ = self._server.accept()
        with connection, connection.makefile("rwb") as port:
            for line in port:
                request = json.loads(line.lstrip(b"\xff"))
                self.asked.append(request)
                if not self.answers:
                    return
                port.write(self._answer(**request))
                port.flush()

    def _answer(self, execute, arguments):
        if execute == "guest-sync-delimited":
            return LEFT_FROM_BEFORE + json.dumps({"return": arguments["id"]}).encode() + b"\n"
        if arguments.get("path") == "missing":
            return b'{"error": {"class": "GenericError", "desc": "no such program"}}\n'
        if execute == "guest-exec":
            self.printed = arguments["input-data"]
            return b'{"return": {"pid": 7}}\n'
        state = {"exited": True, "exitcode": 3, "out-data": self.printed}
        return json.dumps({"return": state}).encode() + b"\n"


@pytest.fixture
def guest(tmp_path):
    """Function that connects to a guest: guest(answers=True) -> the agent."""
    agents = []

    def connect(**options):
        _Guest(tmp_path / "port", **options).start()
        agents.append(Agent(tmp_path / "port", seconds=30, alive=lambda: True))
        return agents[-1]

    yield connect
    for agent in agents:
        agent.close()


def test_a_command_gives_its_exit_code_and_what_it_printed(guest):
    assert guest().run("cat", input_data="schön".encode()) == Ended(3, "schön", "")


def test_a_command_that_failed_is_one_sentence_with_what_it_printed(guest):
    with pytest.raises(SaliedgeError, match="cat ended with 3: no disk"):
        guest().check("cat", input_data=b"no disk\n")


def test_a_program_that_is_not_there_is_one_sentence(guest):
    with pytest.raises(SaliedgeError, match="refused guest-exec: no such program"):
        guest().run("missing")


def test_a_machine_that_ends_is_one_sentence(guest):
    with pytest.raises(SaliedgeError, match="has ended"):
        guest(answers=False)


def test_a_machine_that_has_ended_is_not_waited_for(tmp_path):
    with socket.socket(socket.AF_UNIX) as port:
        port.bind(str(tmp_path / "port"))
        port.listen()
        with pytest.raises(SaliedgeError, match="has ended"):
            Agent(tmp_path / "port", seconds=30, alive=lambda: False)


def test_a_machine_that_says_nothing_is_waited_for_so_long(tmp_path):
    with socket.socket(socket.AF_UNIX) as port:
        port.bind(str(tmp_path / "port"))
        port.listen()
        with pytest.raises(SaliedgeError, match="does not answer"):
            Agent(tmp_path / "port", seconds=0, alive=lambda: True)
