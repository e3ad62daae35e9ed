"""The device as a test sees it from outside: its page, its JSON, its commands, its plug."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pytest

from benchmarks.vm.agent import Agent, Ended
from benchmarks.vm.installation import copy_folder
from benchmarks.vm.machine import Machine

__all__ = ["METRICS_PORT", "PAGE_PORT", "STORE", "TOKEN", "Answer", "Device", "Moment"]

PAGE_PORT, METRICS_PORT = 8642, 9464
STORE = "/var/lib/saliedge"
TOKEN = "0123456789abcdef0123456789abcdef"
WAIT_SECONDS = 600.0
"""Nothing takes so long; on a busy host an emulated minute takes many."""
_LOOK_SECONDS = 0.5
_Found = TypeVar("_Found")


@dataclass(frozen=True)
class Answer:
    """What an HTTP server of the device answered."""

    status: int
    kind: str
    body: bytes


@dataclass(frozen=True)
class Moment:
    """What the page shows: the JSON and the JPEG picture that belong together."""

    record: dict[str, Any]
    picture: bytes


class Device:
    """A machine on which saliedge runs as a service."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine

    @property
    def agent(self) -> Agent:
        return self.machine.agent

    def saliedge(self, *arguments: str) -> Ended:
        """Run a command of saliedge as root."""
        return self.agent.run("saliedge", *arguments)

    def copy_bundle(self, bundle: Path) -> str:
        """Put a bundle onto the device, outside of its store."""
        return copy_folder(self.agent, bundle, "/root/bundles")

    def models(self) -> dict[str, Any]:
        """Return what `saliedge models list` knows of the store."""
        listed: dict[str, Any] = json.loads(
            self.agent.check("saliedge", "models", "list", "--json")
        )
        return listed

    def selection(self) -> dict[str, Any]:
        """Return the record of which model runs, as it lies on the disk."""
        record: dict[str, Any] = json.loads(self.agent.check("cat", f"{STORE}/selection.json"))
        return record

    def state(self, name: str) -> str:
        """Return a property of the service as systemd knows it."""
        return self.agent.check("systemctl", "show", "-P", name, "saliedge").strip()

    def ask(self, path: str, port: int = PAGE_PORT, token: str | None = TOKEN) -> Answer | None:
        """Ask through the forwarded port; None while nobody answers there."""
        here = self.machine.forwarded[port]
        connection = http.client.HTTPConnection("127.0.0.1", here, timeout=30)
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        try:
            connection.request("GET", path, headers=headers)
            response = connection.getresponse()
            kind = response.getheader("Content-Type", "")
            return Answer(response.status, kind, response.read())
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()

    def moment(self) -> Moment | None:
        """Return what the page shows now; None while it is not served."""
        answer = self.ask("/live?viewer=test&after=0&map=0")
        if answer is None or answer.status != 200:
            return None
        end = 4 + int.from_bytes(answer.body[:4], "big")
        record = json.loads(answer.body[4:end])
        return Moment(record, answer.body[end : end + record["picture_bytes"]])

    def wait_for_moment(
        self, what: str, wanted: Callable[[Moment], bool], seconds: float = WAIT_SECONDS
    ) -> Moment:
        """Look at the page until it shows something."""

        def look() -> Moment | None:
            moment = self.moment()
            return moment if moment is not None and wanted(moment) else None

        return self.wait_for(what, look, seconds)

    def wait_for_model(self, sha256: str) -> Moment:
        """Look at the page until a model classifies live frames."""
        return self.wait_for_moment(
            f"the model {sha256[:12]} classifies",
            lambda moment: (
                moment.record["state"] == "live" and moment.record["bundle_sha256"] == sha256
            ),
        )

    def wait_until_good(self, sha256: str) -> None:
        """Look at the store until a model has proved itself."""
        self.wait_for(
            f"the model {sha256[:12]} has proved itself",
            lambda: True if self.selection()["good"] == sha256 else None,
        )

    def wait_for(
        self, what: str, look: Callable[[], _Found | None], seconds: float = WAIT_SECONDS
    ) -> _Found:
        """Look until something is found; the test fails with the journal after so long."""
        deadline = time.monotonic() + seconds
        while (found := look()) is None:
            if not self.machine.running:
                pytest.fail(
                    f"the machine has ended before this was seen: {what}\n{self.machine.said}"
                )
            if time.monotonic() > deadline:
                journal = self.agent.run("journalctl", "-u", "saliedge", "-o", "cat", "-n", "15")
                pytest.fail(f"not seen within {seconds:g} s: {what}\n{journal.out}")
            time.sleep(_LOOK_SECONDS)
        return found
