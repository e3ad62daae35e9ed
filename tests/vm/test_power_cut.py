"""The power is cut; whatever was being done, a model works after the next boot."""

from __future__ import annotations

import json

import pytest

from tests.vm.device import METRICS_PORT, STORE

pytestmark = pytest.mark.vm

MODELS = f"{STORE}/models"


def _wait_until_healthy(device):
    def look():
        answer = device.ask("/healthz", METRICS_PORT)
        return answer if answer is not None and answer.status == 200 else None

    return json.loads(device.wait_for("health after the boot", look).body)


def _cut_power_and_boot(device):
    device.machine.cut_power()
    device.machine.boot()


def _unfinished(device):
    return device.agent.check("find", MODELS, "-name", "*.partial-*").split()


def test_a_model_works_after_a_cut_in_the_middle_of_an_installation(device, new_bundle):
    path, sha256 = new_bundle("cut-off")
    good = device.selection()["good"]
    there = device.copy_bundle(path)
    device.agent.start("saliedge", "models", "install", there, "--use")
    device.wait_for("a half installed model", lambda: _unfinished(device) or None)
    device.agent.check("sync")  # what a killed device has written at the worst: half a model
    assert _unfinished(device)
    _cut_power_and_boot(device)

    assert _wait_until_healthy(device)["model"] == good
    states = {model["sha256"]: model["state"] for model in device.models()["models"]}
    assert sha256 not in states
    assert not any("damaged" in state for state in states.values())
    # The next installation gets through, and clears what the first one left.
    device.agent.check("saliedge", "models", "install", there, "--use")
    assert not _unfinished(device)
    device.wait_for_model(sha256)


def test_an_installation_that_was_reported_outlasts_a_cut_at_once(device, new_bundle):
    path, sha256 = new_bundle("reported")
    device.agent.check("saliedge", "models", "install", device.copy_bundle(path), "--use")
    _cut_power_and_boot(device)
    assert _wait_until_healthy(device)["model"] == sha256


def test_lines_written_before_a_cut_are_whole_and_the_next_run_goes_on_with_the_file(device):
    device.wait_for_moment("live", lambda moment: moment.record["state"] == "live")
    device.agent.check("sync")  # so that only what is written from now on may be lost
    before = _lines(device)
    _cut_power_and_boot(device)
    _wait_until_healthy(device)
    after = _lines(device)
    assert after[0] == before[0]
    starts_before, starts_after = (
        sum(record.get("frame") == 0 for record in records) for records in (before, after)
    )
    assert starts_after == starts_before + 1


def _lines(device):
    """What the file of JSON lines holds up to its last line end; each line must be whole."""
    text = device.agent.check("cat", f"{STORE}/predictions.jsonl")
    return [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]
