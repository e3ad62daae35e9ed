"""edge-infer with the outputs of a device that runs unattended."""

from __future__ import annotations

import re
import sys
import urllib.request

import pytest

from edge_runtime.errors import UsageError
from edge_runtime.infer.output_options import OutputOptions
from edge_runtime.infer.statistics import RunStatistics

FRAMES = "synthetic:?width=64&height=48&frames=40"


def test_json_lines_are_rotated_and_a_later_run_goes_on(edge_infer, tiny_bundle_path, tmp_path):
    out = tmp_path / "out.jsonl"
    for _ in range(2):
        end = edge_infer(
            *("--bundle", tiny_bundle_path, "--source", FRAMES, "--engine", "onnx"),
            *("--jsonl", out, "--jsonl-max-bytes", 8192, "--jsonl-keep", 100),
        )
        assert end.code == 0
    files = list(tmp_path.glob("out.jsonl*"))
    assert len(files) > 2
    assert all(path.stat().st_size <= 8192 for path in files)
    assert sum(len(path.read_text().splitlines()) for path in files) == 80


def test_rotation_needs_a_file(edge_infer, tiny_bundle_path):
    end = edge_infer(
        *("--bundle", tiny_bundle_path, "--source", FRAMES, "--jsonl", "-"),
        *("--jsonl-max-bytes", 8192),
    )
    assert end.code == 2
    assert "--jsonl-max-bytes needs --jsonl FILE" in end.err


def test_metrics_are_served_while_it_runs(edge_infer, tiny_bundle_path, monkeypatch):
    pages = []
    add = RunStatistics.add

    def look(self, prediction):
        add(self, prediction)
        if self.frames == 5:
            address = re.search(r"http\S+", said[0])[0]
            pages.append(urllib.request.urlopen(address).read().decode())

    said = []
    monkeypatch.setattr("edge_runtime.infer.service.say", lambda *words: said.append(words[0]))
    monkeypatch.setattr(RunStatistics, "add", look)
    end = edge_infer(
        *("--bundle", tiny_bundle_path, "--source", FRAMES, "--engine", "onnx"),
        *("--metrics", "127.0.0.1:0"),
    )
    assert end.code == 0
    assert "saliedge_frames_total 5\n" in pages[0]


def test_whoever_serves_to_the_network_is_told(edge_infer, tiny_bundle_path):
    end = edge_infer(
        *("--bundle", tiny_bundle_path, "--source", FRAMES, "--engine", "onnx"),
        *("--metrics", "0.0.0.0:0"),
    )
    assert "Whoever reaches 0.0.0.0 can read the metrics" in end.err


def test_an_address_that_cannot_be_had_leaves_no_half_output(
    edge_infer, tiny_bundle_path, tmp_path
):
    end = edge_infer(
        *("--bundle", tiny_bundle_path, "--source", FRAMES, "--engine", "onnx"),
        *("--jsonl", tmp_path / "out.jsonl", "--metrics", "192.0.2.1:9464"),
    )
    assert end.code == 7
    assert list(tmp_path.iterdir()) == []


def test_without_the_extra_one_sentence_names_it(edge_infer, tiny_bundle_path, monkeypatch):
    monkeypatch.delitem(sys.modules, "edge_runtime.sinks.mqtt", raising=False)
    monkeypatch.setitem(sys.modules, "paho", None)
    monkeypatch.setitem(sys.modules, "paho.mqtt", None)
    monkeypatch.setitem(sys.modules, "paho.mqtt.client", None)
    end = edge_infer(
        "--bundle", tiny_bundle_path, "--source", FRAMES, "--engine", "onnx", "--mqtt", "localhost"
    )
    assert end.code == 5
    assert "pip install 'saliedge[mqtt]'" in end.err


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"mqtt": "broker"}, ("broker", 1883)),
        ({"mqtt": "broker", "mqtt_tls": True}, ("broker", 8883)),
        ({"mqtt": "broker:99"}, ("broker", 99)),
        ({"mqtt": "::1"}, ("::1", 1883)),
        ({"mqtt": "[::1]:99"}, ("::1", 99)),
        ({"mqtt": "[::1]"}, ("::1", 1883)),
    ],
)
def test_brokers_that_are_understood(changes, expected):
    assert OutputOptions(**changes).mqtt_host_port == expected


@pytest.mark.parametrize("text", ["", ":1883", "broker:", "broker:mqtt", "broker:0", "b:70000"])
def test_brokers_that_are_not(text):
    with pytest.raises(UsageError):
        OutputOptions(mqtt=text).mqtt_host_port  # noqa: B018


def test_options_of_a_broker_need_one():
    with pytest.raises(UsageError, match="need --mqtt HOST"):
        OutputOptions(mqtt_user="board")
