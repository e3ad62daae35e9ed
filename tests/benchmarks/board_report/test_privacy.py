"""What tells who, where or which single machine is taken out; what tells the kind stays."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.board_report import privacy
from benchmarks.board_report.privacy import personal_words, scrub

SERIAL = "10000000a1b2c3d4"


@pytest.fixture
def words(tmp_path, monkeypatch):
    """The words of a board with every secret that there is."""
    for name, content in {
        "proc/cpuinfo": f"processor : 0\nSerial\t\t: {SERIAL}\nModel : Raspberry Pi 5\n",
        "sys/firmware/devicetree/base/serial-number": f"{SERIAL}\0",
        "etc/machine-id": "0123456789abcdef0123456789abcdef\n",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    monkeypatch.setattr(privacy.socket, "gethostname", lambda: "ward3-scope.clinic.example")
    environment = {"USER": "alice", "SUDO_USER": "drbob", "HOME": "/home/alice"}
    return personal_words(tmp_path, environment)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("on ward3-scope.clinic.example", "on <host>"),
        ("Linux WARD3-SCOPE 6.6", "Linux <host> 6.6"),
        ("alice's, drbob_dev", "<user>'s, <user>_dev"),
        ("cannot open '/home/alice/models/x.onnx'", "cannot open '<path>'"),
        ("at /home/alice/my models/x", "at <path> models/x"),
        ("free at /media/usb-stick/data now", "free at <path> now"),
        (f"serial {SERIAL}", "serial <serial>"),
        ("id 0123456789abcdef0123456789abcdef", "id <serial>"),
        ("mac dc:a6:32:01:02:03", "mac <address>"),
    ],
)
def test_what_is_personal_is_taken_out(words, text, told):
    assert scrub(text, words) == told


@pytest.mark.parametrize(
    "text",
    [
        "Raspberry Pi 5 Model B Rev 1.0",
        "echo ondemand | sudo tee /sys/devices/system/cpu/cpu*/cpufreq/scaling_governor",
        "/proc/cpuinfo cannot be read",
        "pip install 'saliedge[litert]'",
        "onnx int8 gradient / onnx int8",
        "2026-01-02T03:04:05+00:00",
        "malice and alicent",
    ],
)
def test_what_is_the_same_on_every_machine_stays(words, text):
    assert scrub(text, words) == text


def test_names_that_thousands_share_are_no_secret(tmp_path, monkeypatch):
    monkeypatch.setattr(privacy.socket, "gethostname", lambda: "raspberrypi")
    monkeypatch.setattr(privacy.pwd, "getpwuid", lambda uid: type("Entry", (), {"pw_name": "pi"}))
    assert personal_words(tmp_path, {"USER": "pi", "HOME": "/home/pi"}) == {"/home/pi": "<path>"}


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(VALUES, st.sampled_from(["alice", "x-alice", "see /home/alice/y", "alice@ward3"]))
def test_no_place_in_a_record_is_forgotten(value, secret):
    words = {"alice": "<user>", "ward3": "<host>"}
    record = scrub({"a": [value, {secret: [secret]}], "b": secret}, words)
    assert "alice" not in json.dumps(scrub({"a": [{secret: [secret]}], "b": secret}, words))
    assert scrub(record, words) == record


def test_numbers_stay_what_they_are(words):
    record = {"a": [1, 2.5, None, True], "b": {"c": 3}}
    assert scrub(record, words) == record
