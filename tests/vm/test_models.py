"""Another model is installed while the service runs beside its camera."""

from __future__ import annotations

import pytest

from tests.edge_runtime.models.bundles import write_wrong

pytestmark = pytest.mark.vm


def test_a_new_model_takes_over_without_losing_the_camera(device, first, new_bundle):
    path, sha256 = new_bundle("second")
    before, process = device.wait_for_model(first).record, device.state("MainPID")
    ended = device.saliedge("models", "install", device.copy_bundle(path), "--use")
    assert ended.code == 0, ended.err
    after = device.wait_for_model(sha256).record
    assert after["bundle"] == "second"
    assert (device.state("MainPID"), after["losses"]) == (process, before["losses"])
    assert after["number"] > before["number"]


def test_a_model_has_proved_itself_when_it_has_classified_the_frames_of_its_trial(
    device, new_bundle
):
    path, sha256 = new_bundle("third")
    device.agent.check("saliedge", "models", "install", device.copy_bundle(path), "--use")
    device.wait_until_good(sha256)
    assert device.selection()["trial"] is None


def test_rolling_back_returns_to_the_model_before(device, new_bundle):
    before = device.selection()["good"]
    path, sha256 = new_bundle("fourth")
    device.agent.check("saliedge", "models", "install", device.copy_bundle(path), "--use")
    device.wait_until_good(sha256)
    device.agent.check("saliedge", "models", "rollback")
    device.wait_for_model(before)


def test_a_model_that_computes_something_else_is_refused_and_the_old_one_goes_on(device, tmp_path):
    before = device.wait_for_moment("live", lambda moment: moment.record["state"] == "live").record
    installed = device.models()
    ended = device.saliedge(
        "models", "install", device.copy_bundle(write_wrong(tmp_path / "wrong.edge")), "--use"
    )
    assert ended.code == 8
    assert device.models() == installed
    device.wait_for_moment(
        "further frames of the same model",
        lambda moment: (
            moment.record["number"] > before["number"]
            and moment.record["bundle_sha256"] == before["bundle_sha256"]
        ),
    )
