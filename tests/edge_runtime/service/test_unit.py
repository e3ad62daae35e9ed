"""The systemd unit: what systemd itself says about it, and how closed it is."""

from __future__ import annotations

import re
import subprocess

import pytest

from edge_runtime.errors import UsageError
from edge_runtime.service import UnitOptions, unit_text
from tests.requirements import require_program

HIGHEST_EXPOSURE = 1.5


@pytest.fixture
def unit(tmp_path):
    """Function that writes the unit for an executable that exists, and returns its path."""

    def write(**changes):
        path = tmp_path / "saliedge.service"
        options = {"executable": "/bin/true", "config": "/etc/saliedge/edge-infer.toml", **changes}
        path.write_text(unit_text(UnitOptions(**options)))
        return path

    return write


def _systemd_analyze(*arguments):
    program = require_program("systemd-analyze", "systemd")
    return subprocess.run(
        [program, *arguments], capture_output=True, text=True, check=False, env={"LC_ALL": "C"}
    )


@pytest.mark.parametrize("user", [None, "root"])
def test_systemd_finds_nothing_wrong_with_it(unit, user):
    ended = _systemd_analyze("verify", unit(user=user))
    assert (ended.returncode, ended.stderr) == (0, "")


@pytest.mark.parametrize("user", [None, "saliedge"])
def test_it_is_as_closed_as_documented(unit, user):
    ended = _systemd_analyze("security", "--offline=true", "--no-pager", unit(user=user))
    exposure = float(re.search(r"exposure level for saliedge.service: ([\d.]+)", ended.stdout)[1])
    assert exposure <= HIGHEST_EXPOSURE


def test_the_watchdog_and_the_networks_can_be_chosen(unit):
    text = unit(watchdog_seconds=0, addresses=("192.168.1.0/24",)).read_text()
    assert "WatchdogSec" not in text
    assert "IPAddressAllow=localhost 192.168.1.0/24\n" in text
    assert "WatchdogSec=30\n" in unit().read_text()


def test_a_secret_of_roots_is_handed_to_the_service(unit):
    path = unit(credentials=("token:/etc/saliedge/token",))
    assert "\nLoadCredential=token:/etc/saliedge/token\n" in path.read_text()
    assert _systemd_analyze("verify", path).stderr == ""


@pytest.mark.parametrize(
    "changes",
    [
        {"executable": "edge-infer"},
        {"config": '/etc/a" ExecStartPre="/bin/sh'},
        {"config": "/etc/a\nUser=root"},
        {"config": "/etc/%h"},
        {"user": "saliedge\nAmbientCapabilities=CAP_SYS_ADMIN"},
        {"addresses": ("any\nUser=root",)},
        {"credentials": ("token",)},
        {"credentials": ("token:/etc/token\nUser=root",)},
        {"credentials": ("a b:/etc/token",)},
    ],
)
def test_nothing_can_be_smuggled_into_it(unit, changes):
    with pytest.raises(UsageError):
        unit(**changes)
