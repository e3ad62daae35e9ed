"""The installed service on a whole device: a real kernel, systemd, and a V4L2 camera."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest

from tests.vm.conftest import CAMERA_SIZE_WH
from tests.vm.device import METRICS_PORT, STORE

pytestmark = pytest.mark.vm

# The driver's test picture, from left to right: 75 % colour bars, RGB.
BARS = np.array(
    [
        (191, 191, 191), (191, 191, 0), (0, 191, 191), (0, 191, 0),
        (191, 0, 191), (191, 0, 0), (0, 0, 191), (0, 0, 0),
    ]
)  # fmt: skip
FREE_ROWS = 8


def test_systemd_calls_it_running_and_tells_what_runs(device, first):
    assert (device.state("ActiveState"), device.state("SubState")) == ("active", "running")

    def status() -> str | None:
        text = device.state("StatusText")
        return text if f"frames; tiny {first[:12]} in onnx" in text else None

    device.wait_for("the status names the model", status)


def test_it_runs_as_a_user_of_its_own_without_capabilities(device):
    status = device.agent.check("cat", f"/proc/{device.state('MainPID')}/status")
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert "0" not in fields["Uid"].split()
    assert {fields[name] for name in ("CapEff", "CapPrm", "CapBnd")} == {"0" * 16}
    assert fields["NoNewPrivs"] == "1"


def test_the_page_is_served_to_who_has_the_token(device):
    page = device.ask("/")
    assert (page.status, page.kind) == (200, "text/html; charset=utf-8")
    assert b"No picture yet" in page.body


def test_the_page_shows_nothing_to_who_has_not(device):
    assert device.ask("/", token=None).status == 401
    assert device.ask("/live?viewer=x&after=0&map=0", token="wrong-wrong-wrong").status == 401


def test_the_json_tells_what_the_model_makes_of_the_camera(device, first):
    record = device.wait_for_model(first).record
    assert (record["source"], tuple(record["size"])) == ("/dev/video0", CAMERA_SIZE_WH)
    probabilities = [entry["probability"] for entry in record["classes"]]
    assert sum(probabilities) == pytest.approx(1, abs=1e-3)
    assert record["map"]["bytes"] > 0


def test_the_picture_is_what_the_camera_sees(device):
    moment = device.wait_for_moment("a picture", lambda moment: bool(moment.picture))
    picture = cv2.imdecode(np.frombuffer(moment.picture, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
    assert picture.shape == (*CAMERA_SIZE_WH[::-1], 3)
    # The driver writes text over all but the lowest rows.
    columns = picture[-FREE_ROWS:].mean(axis=0)
    centres = ((np.arange(len(BARS)) + 0.5) * CAMERA_SIZE_WH[0] / len(BARS)).astype(int)
    assert np.abs(columns[centres] - BARS).max() < 40


def test_health_and_metrics_are_told_to_monitors(device, first):
    health = json.loads(device.ask("/healthz", METRICS_PORT).body)
    assert (health["healthy"], health["camera_up"], health["model"]) == (True, True, first)
    assert b"\nsaliedge_frames_total " in device.ask("/metrics", METRICS_PORT).body


def test_every_frame_is_a_line_on_the_disk(device):
    lines = device.agent.check("tail", "-n", "5", f"{STORE}/predictions.jsonl")
    records = [json.loads(line) for line in lines.splitlines()]
    assert {record["source"] for record in records} == {"/dev/video0"}
    frames = [record["frame"] for record in records]
    assert frames == sorted(frames)


def test_the_doctor_finds_engines_and_camera_and_nothing_that_keeps_it_from_working(device):
    ended = device.saliedge("doctor", "--json", "--state-dir", STORE)
    assert ended.code == 0, ended.out + ended.err
    findings = {finding["name"]: finding for finding in json.loads(ended.out)}
    well = ("board", "engine onnx", "engine litert", "cameras", "models")
    assert {name: findings[name]["status"] for name in well} == dict.fromkeys(well, "ok")
    assert findings["board"]["text"].endswith("aarch64")
    assert "/dev/video0" in findings["cameras"]["text"]
