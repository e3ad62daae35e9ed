"""Predictions to a real Mosquitto on loopback, which is not always there."""

from __future__ import annotations

import json
import os
import queue
import signal
import socket
import subprocess
import sys
import time

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from edge_runtime.errors import UsageError
from edge_runtime.sinks.mqtt import MqttAddress, MqttSink
from edge_runtime.sources import CaptureTime, Frame
from edge_runtime.sources.base import SourceStatus
from tests.edge_runtime.predictions import prediction
from tests.requirements import require_program

SECONDS = 60


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Broker:
    """A Mosquitto that can be stopped and started again on its port."""

    def __init__(self, folder, lines):
        self.port = _free_port()
        self._config = folder / "mosquitto.conf"
        text = [f"listener {self.port} 127.0.0.1", f"user {os.environ.get('USER', 'root')}", *lines]
        self._config.write_text("\n".join(text) + "\n")
        self._process = None

    def start(self):
        program = require_program("mosquitto", "mosquitto")
        self._process = subprocess.Popen(
            [program, "-c", self._config], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return self
        raise AssertionError("mosquitto does not start")

    def stop(self):
        if self._process is not None:
            self._process.terminate()
            self._process.wait(SECONDS)
            self._process = None


class Subscriber:
    """Receives all that a broker has; the broker keeps what comes while one of a name is away."""

    def __init__(self, port, prepare=lambda client: None, name=""):
        self.messages = queue.Queue()
        self._client = mqtt.Client(
            CallbackAPIVersion.VERSION2, client_id=name, clean_session=not name
        )
        prepare(self._client)
        self._client.on_message = lambda client, userdata, message: self.messages.put(
            (message.topic, message.payload.decode())
        )
        subscribed = queue.Queue()
        self._client.on_subscribe = lambda *arguments: subscribed.put(True)
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        self._client.subscribe("#", qos=1)
        subscribed.get(timeout=SECONDS)

    def take(self, topic):
        """The next message of a topic; those of others are passed over."""
        while True:
            found, payload = self.messages.get(timeout=SECONDS)
            if found == topic:
                return payload

    def close(self):
        self._client.disconnect()
        self._client.loop_stop()


@pytest.fixture
def broker(tmp_path):
    """Function that starts a broker with lines of configuration."""
    started = []

    def start(*lines):
        started.append(Broker(tmp_path, lines or ("allow_anonymous true",)).start())
        return started[-1]

    yield start
    for one in started:
        one.stop()


@pytest.fixture
def subscriber():
    """Function that subscribes to all of a broker."""
    opened = []

    def subscribe(port, *arguments, **keywords):
        opened.append(Subscriber(port, *arguments, **keywords))
        return opened[-1]

    yield subscribe
    for one in opened:
        one.close()


def _address(port, **changes):
    return MqttAddress("127.0.0.1", port, "ward/three", retry_seconds=(1, 1), **changes)


def _send(sink, first, count):
    for index in range(first, first + count):
        frame = Frame(prediction().frame.image, "camera", index, CaptureTime.now(), "camera")
        sink.write(prediction(frame=frame), None)


def test_predictions_arrive_in_order_between_online_and_offline(broker, subscriber):
    port = broker().port
    listener = subscriber(port)
    sink = MqttSink(_address(port))
    assert listener.take("ward/three/status") == "online"
    _send(sink, 0, 100)
    sink.close(True)
    records = [json.loads(listener.take("ward/three/predictions")) for _ in range(100)]
    assert [record["frame"] for record in records] == list(range(100))
    assert records[0]["label"] == "polyp"
    assert listener.take("ward/three/status") == "offline"
    assert sink.dropped == 0


def test_who_subscribes_later_learns_what_became_of_the_camera(broker, subscriber):
    port = broker().port
    sink = MqttSink(_address(port))
    sink.source_changed(SourceStatus("lost", "camera", CaptureTime.now(), "It is gone.", 1))
    early = subscriber(port)
    assert json.loads(early.take("ward/three/source"))["state"] == "lost"
    sink.close(True)
    assert json.loads(subscriber(port).take("ward/three/source"))["state"] == "lost"


@pytest.fixture
def lasting_broker(tmp_path, broker):
    """A broker that remembers over a restart what a subscriber named `ward` has still to get."""
    lasting = broker(
        "allow_anonymous true", "persistence true", f"persistence_location {tmp_path}/"
    )
    Subscriber(lasting.port, name="ward").close()
    return lasting


def test_a_broker_that_comes_later_gets_the_latest_of_what_waited(
    lasting_broker, subscriber, capsys
):
    lasting_broker.stop()
    sink = MqttSink(_address(lasting_broker.port), queue=5)
    _send(sink, 0, 8)
    assert sink.dropped == 3
    lasting_broker.start()
    listener = subscriber(lasting_broker.port, name="ward")
    frames = [json.loads(listener.take("ward/three/predictions"))["frame"] for _ in range(5)]
    assert frames == [3, 4, 5, 6, 7]
    sink.close(True)
    told = capsys.readouterr().err
    assert "cannot be reached; it is tried again" in told
    assert "3 MQTT messages were never sent" in told


def test_a_broker_that_restarts_is_found_again(lasting_broker, subscriber):
    sink = MqttSink(_address(lasting_broker.port))
    listener = subscriber(lasting_broker.port, name="ward")
    _send(sink, 0, 1)
    assert json.loads(listener.take("ward/three/predictions"))["frame"] == 0
    listener.close()
    lasting_broker.stop()
    _send(sink, 1, 1)
    lasting_broker.start()
    again = subscriber(lasting_broker.port, name="ward")
    while json.loads(again.take("ward/three/predictions"))["frame"] != 1:
        pass
    sink.close(True)


def test_without_a_broker_nothing_waits(capsys):
    sink = MqttSink(_address(_free_port()), queue=10)
    _send(sink, 0, 30)
    sink.close(True)
    assert sink.dropped == 30
    assert "30 MQTT messages were never sent" in capsys.readouterr().err


def test_predictions_can_be_sent_less_often(broker, subscriber):
    port = broker().port
    listener = subscriber(port)
    sink = MqttSink(_address(port, every_seconds=3600))
    _send(sink, 0, 50)
    sink.close(True)
    sent = []
    while not sent or sent[-1] != ("ward/three/status", "offline"):
        sent.append(listener.messages.get(timeout=SECONDS))
    assert [topic for topic, _ in sent].count("ward/three/predictions") == 1


def test_the_broker_says_offline_when_a_run_is_killed(broker, subscriber, tiny_bundle_path):
    port = broker().port
    listener = subscriber(port)
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "edge_runtime.infer.cli", "--bundle", tiny_bundle_path),
            *("--source", "synthetic:?width=64&height=48&fps=20", "--engine", "onnx"),
            *("--mqtt", f"127.0.0.1:{port}", "--mqtt-topic", "ward/three"),
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    with process:
        assert json.loads(listener.take("ward/three/predictions"))["engine"] == "onnx"
        process.send_signal(signal.SIGKILL)
    while listener.take("ward/three/status") != "offline":
        pass


def test_a_password_opens_the_broker_and_a_wrong_one_is_told(broker, subscriber, tmp_path, capsys):
    passwords = tmp_path / "passwords"
    tool = require_program("mosquitto_passwd", "mosquitto")
    passwords.touch(mode=0o600)
    subprocess.run([tool, "-b", passwords, "board", "secret"], check=True, capture_output=True)
    port = broker("allow_anonymous false", f"password_file {passwords}").port
    (tmp_path / "right").write_text("secret\n")
    (tmp_path / "wrong").write_text("sesame\n")
    listener = subscriber(port, lambda client: client.username_pw_set("board", "secret"))
    sink = MqttSink(_address(port, user="board", password_file=str(tmp_path / "right")))
    _send(sink, 0, 1)
    listener.take("ward/three/predictions")
    sink.close(True)
    sink = MqttSink(_address(port, user="board", password_file=str(tmp_path / "wrong")))
    _send(sink, 1, 1)
    sink.close(True)
    assert "refuses this device: Not authorized" in capsys.readouterr().err


@pytest.fixture
def certificates(tmp_path):
    """Files of a certificate for 127.0.0.1: its own authority, and its key."""
    program = require_program("openssl", "openssl")
    certificate, key = tmp_path / "broker.pem", tmp_path / "broker.key"
    subprocess.run(
        [
            *(program, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"),
            *("-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate),
        ],
        check=True,
        capture_output=True,
    )
    return certificate, key


def test_tls_checks_the_brokers_certificate(broker, subscriber, certificates):
    certificate, key = certificates
    port = broker("allow_anonymous true", f"certfile {certificate}", f"keyfile {key}").port
    listener = subscriber(port, lambda client: client.tls_set(ca_certs=str(certificate)))
    sink = MqttSink(_address(port, tls=True, ca_file=str(certificate)))
    _send(sink, 0, 1)
    listener.take("ward/three/predictions")
    sink.close(True)
    stranger = MqttSink(_address(port, tls=True))  # which trusts the system's authorities only
    _send(stranger, 0, 1)
    stranger.close(True)
    assert stranger.dropped == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"topic": ""},
        {"topic": "ward/#"},
        {"password_file": "x"},
        {"ca_file": "x"},
    ],
)
def test_what_cannot_be_is_refused(changes):
    with pytest.raises(UsageError):
        MqttAddress(**{"host": "localhost", "port": 1883, "topic": "t", **changes})


@pytest.mark.parametrize(
    "changes",
    [{"user": "board", "password_file": "/not/there"}, {"tls": True, "ca_file": "/not/there"}],
)
def test_files_that_cannot_be_read_are_told(changes):
    with pytest.raises(UsageError, match="/not/there"):
        MqttSink(_address(1, **changes))
