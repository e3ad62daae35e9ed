"""saliedge service unit, for this installation."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import edge_runtime
from edge_runtime.commands import service as service_cli
from edge_runtime.service import UnitOptions, unit_text


def test_the_unit_starts_the_edge_infer_of_this_environment(saliedge):
    end = saliedge("service", "unit", "--config", "/etc/other.toml", "--allow", "10.0.0.0/8")
    assert end.code == 0
    assert f'ExecStart="{sys.prefix}/bin/edge-infer" --config "/etc/other.toml"\n' in end.out
    assert "IPAddressAllow=localhost 10.0.0.0/8\n" in end.out


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Function that makes every part of the installation lie elsewhere: installed(python="/usr").

    The environment may be a link, as a versioned one is.
    """

    def place(environment=tmp_path / "environment", package="/opt/x/edge_runtime", python="/usr"):
        environment = Path(environment)
        (environment / "bin").mkdir(parents=True)
        (environment / "bin" / "edge-infer").touch()
        (tmp_path / "current").symlink_to(environment)
        monkeypatch.setattr(sys, "prefix", str(tmp_path / "current"))
        monkeypatch.setattr(sys, "base_prefix", python)
        monkeypatch.setattr(edge_runtime, "__file__", f"{package}/__init__.py")
        monkeypatch.setattr(service_cli, "_HIDDEN", ("/home", str(tmp_path / "home")))

    return place


@pytest.mark.parametrize(
    ("where", "named"),
    [
        ({"package": "/home/pi/saliedge/edge_runtime"}, "/home/pi/saliedge/edge_runtime"),
        ({"python": "/home/pi/.pyenv"}, "/home/pi/.pyenv"),
    ],
)
def test_a_part_that_the_unit_hides_is_warned_of(saliedge, installed, where, named):
    installed(**where)
    said = saliedge("service", "unit").err
    assert f"{named} lies in /home" in said
    assert "install into /opt/saliedge" in said


def test_a_link_to_a_hidden_environment_is_followed(saliedge, installed, tmp_path):
    installed(tmp_path / "home" / "environment")
    assert f"{tmp_path}/home/environment/bin/edge-infer lies in" in saliedge("service", "unit").err


def test_an_installation_that_the_service_can_see_is_not_warned_of(saliedge, installed):
    installed()
    assert saliedge("service", "unit").err == ""


def test_what_the_warning_knows_is_what_the_unit_hides():
    unit = unit_text(UnitOptions("/opt/saliedge/bin/edge-infer", "/etc/saliedge/edge-infer.toml"))
    homes, temporary = ("/home", "/root", "/run/user"), ("/tmp", "/var/tmp")
    assert ("\nProtectHome=yes\n" in unit, "\nPrivateTmp=yes\n" in unit) == (True, True)
    assert (*homes, *temporary) == service_cli._HIDDEN


def test_without_edge_infer_there_is_nothing_to_start(saliedge, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    assert saliedge("service", "unit").code == 5
