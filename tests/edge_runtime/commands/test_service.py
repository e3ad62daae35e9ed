"""saliedge service unit, for this installation."""

from __future__ import annotations

import sys


def test_the_unit_starts_the_edge_infer_of_this_environment(saliedge):
    end = saliedge("service", "unit", "--config", "/etc/other.toml", "--allow", "10.0.0.0/8")
    assert end.code == 0
    assert f'ExecStart="{sys.prefix}/bin/edge-infer" --config "/etc/other.toml"\n' in end.out
    assert "IPAddressAllow=localhost 10.0.0.0/8\n" in end.out


def test_an_environment_in_a_home_directory_is_warned_of(saliedge, tmp_path, monkeypatch):
    from edge_runtime.commands import service as service_cli

    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "edge-infer").touch()
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    monkeypatch.setattr(service_cli, "_HOMES", (str(tmp_path),))
    assert "install into /opt/saliedge" in saliedge("service", "unit").err


def test_without_edge_infer_there_is_nothing_to_start(saliedge, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    assert saliedge("service", "unit").code == 5
