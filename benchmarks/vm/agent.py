"""Commands and files in the virtual machine, by the QEMU guest agent.

The protocol is that of `qemu-ga <https://www.qemu.org/docs/master/interop/qemu-ga-ref.html>`_: a
JSON object a line, over a serial port of the machine that is a socket here.
"""

from __future__ import annotations

import base64
import json
import secrets
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge_runtime.errors import SaliedgeError

__all__ = ["Agent", "Ended"]

_LOOK_SECONDS = 0.2
_ANSWER_SECONDS = 300.0
_COMMAND_SECONDS = 900.0
_PIECE_BYTES = 1 << 18
_RECEIVED_BYTES = 1 << 16
# A byte that JSON never holds: the agent forgets what it had half received.
_FLUSH = b"\xff"


@dataclass(frozen=True)
class Ended:
    """A command that has ended in the machine.

    Attributes:
        code: Its exit code, or minus the signal that killed it.
        out: What it printed.
        err: What it printed as errors.
    """

    code: int
    out: str
    err: str


class Agent:
    """A connection to the agent of one boot.

    Args:
        path: The socket.
        seconds: How long to wait for the agent to answer for the first time: a boot.
        alive: Tells whether the machine runs; waiting ends when it does not.

    Raises:
        SaliedgeError: The machine ended or did not answer.
    """

    def __init__(self, path: Path, seconds: float, alive: Callable[[], bool]) -> None:
        self._alive = alive
        self._received = b""
        self._socket = socket.socket(socket.AF_UNIX)
        try:
            self._socket.connect(str(path))
            self._synchronise(seconds)
        except BaseException:
            self._socket.close()
            raise

    def close(self) -> None:
        """Leave the agent alone."""
        self._socket.close()

    def run(
        self, *command: str, input_data: bytes = b"", seconds: float = _COMMAND_SECONDS
    ) -> Ended:
        """Run a command and wait until it has ended.

        Args:
            command: Program and arguments; the path of the program is searched for.
            input_data: What it reads.
            seconds: How long it may take.

        Raises:
            SaliedgeError: There is no such program, or it took longer.
        """
        process = self.start(*command, input_data=input_data)
        deadline = time.monotonic() + seconds
        while True:
            state = self._ask("guest-exec-status", pid=process)
            if state["exited"]:
                code = -state["signal"] if "signal" in state else state["exitcode"]
                return Ended(code, _text(state, "out-data"), _text(state, "err-data"))
            if time.monotonic() > deadline:
                raise SaliedgeError(f"{' '.join(command)} has not ended within {seconds:g} s.")
            time.sleep(_LOOK_SECONDS)

    def start(self, *command: str, input_data: bytes = b"") -> int:
        """Start a command and return its process id."""
        program, *arguments = command
        answer = self._ask(
            "guest-exec",
            path=program,
            arg=arguments,
            env=["PATH=/usr/local/bin:/usr/bin:/usr/sbin", "LANG=C.UTF-8", "HOME=/root"],
            **{"input-data": base64.b64encode(input_data).decode(), "capture-output": True},
        )
        return int(answer["pid"])

    def check(
        self, *command: str, input_data: bytes = b"", seconds: float = _COMMAND_SECONDS
    ) -> str:
        """Run a command as :meth:`run` does and return what it printed.

        Raises:
            SaliedgeError: It failed; the sentence holds what it printed.
        """
        ended = self.run(*command, input_data=input_data, seconds=seconds)
        if ended.code:
            said = (ended.err or ended.out).strip()
            raise SaliedgeError(f"{' '.join(command)} ended with {ended.code}: {said}")
        return ended.out

    def write_file(self, path: str, data: bytes) -> None:
        """Write a file of the machine."""
        handle = self._ask("guest-file-open", path=path, mode="wb")
        for start in range(0, len(data), _PIECE_BYTES):
            piece = base64.b64encode(data[start : start + _PIECE_BYTES]).decode()
            self._ask("guest-file-write", handle=handle, **{"buf-b64": piece})
        self._ask("guest-file-close", handle=handle)

    def _synchronise(self, seconds: float) -> None:
        """Wait until the agent answers, and pass over what it may have said before."""
        number = secrets.randbelow(1 << 30)
        request = {"execute": "guest-sync-delimited", "arguments": {"id": number}}
        self._socket.sendall(_FLUSH + json.dumps(request).encode() + b"\n")
        deadline = time.monotonic() + seconds
        while json.loads(self._line(deadline).rpartition(_FLUSH)[2]).get("return") != number:
            continue

    def _ask(self, name: str, **arguments: Any) -> Any:
        request = {"execute": name, "arguments": arguments}
        self._socket.settimeout(_ANSWER_SECONDS)
        self._socket.sendall(json.dumps(request).encode() + b"\n")
        answer = json.loads(self._line(time.monotonic() + _ANSWER_SECONDS))
        if "return" not in answer:
            raise SaliedgeError(f"The machine's agent refused {name}: {answer['error']['desc']}")
        return answer["return"]

    def _line(self, deadline: float) -> bytes:
        while b"\n" not in self._received:
            left = deadline - time.monotonic()
            if not self._alive():
                raise SaliedgeError("The machine has ended; its console says why.")
            if left <= 0:
                raise SaliedgeError("The machine does not answer; its console may say why.")
            self._socket.settimeout(min(left, 1.0))
            try:
                received = self._socket.recv(_RECEIVED_BYTES)
            except TimeoutError:
                continue
            if not received:
                raise SaliedgeError("The machine has ended; its console says why.")
            self._received += received
        line, _, self._received = self._received.partition(b"\n")
        return line


def _text(state: dict[str, Any], name: str) -> str:
    return base64.b64decode(state.get(name, "")).decode("utf-8", "replace")
