"""saliedge doctor on this machine, and how it ends."""

from __future__ import annotations

import json

from edge_runtime import installed_engines
from edge_runtime.doctor import Finding


def test_this_machine_is_examined(saliedge, tmp_path):
    end = saliedge("doctor", "--json", "--state-dir", tmp_path)
    assert end.code == 0
    found = {record["name"]: record for record in json.loads(end.out)}
    assert all(found[f"engine {name}"]["status"] == "ok" for name in installed_engines())
    assert all(record["status"] == "ok" or record["remedy"] for record in found.values())


def test_a_problem_is_shown_with_its_remedy_and_ends_with_8(saliedge, monkeypatch):
    found = [Finding("memory", "ok", "enough"), Finding("disk", "problem", "none", "buy one")]
    monkeypatch.setattr("edge_runtime.doctor.examine", lambda system: iter(found))
    end = saliedge("doctor")
    assert end.code == 8
    assert "ok       memory: enough" in end.out
    assert "PROBLEM  disk: none\n         -> buy one" in end.out
    assert "because of: disk" in end.err
