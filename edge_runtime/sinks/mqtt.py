"""Predictions to an MQTT broker, in the background: a broker that is away never stops the pictures.

    TOPIC/status        online or offline; retained, and the broker says offline if this run dies
    TOPIC/predictions   one JSON object for each frame, as in the JSON lines
    TOPIC/source        what becomes of a camera; retained

Each message is delivered at least once (QoS 1) while it is in the queue. No frame is sent.
"""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from pathlib import Path
from typing import Any

import numpy as np
import paho.mqtt.client as mqtt
from numpy.typing import NDArray
from paho.mqtt.enums import CallbackAPIVersion

from edge_runtime.classifier import Prediction
from edge_runtime.errors import UsageError
from edge_runtime.messages import say
from edge_runtime.quick_dataclass import dataclass
from edge_runtime.sinks.base import Sink
from edge_runtime.sinks.json_lines import prediction_record, source_record
from edge_runtime.sources.base import SourceStatus

__all__ = ["MqttAddress", "MqttSink"]

_QUEUE = 1000
_IN_FLIGHT = 20
_KEEPALIVE_SECONDS = 30
_RETRY_SECONDS = (1, 60)
_CLOSE_SECONDS = 3.0
_LOCAL = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class MqttAddress:
    """A broker, and what to say to it.

    Attributes:
        host: Its name or address.
        port: Its port.
        topic: What every topic begins with.
        user: User name, or None.
        password_file: File whose first line is the password, or None.
        tls: Whether to speak TLS; the broker's certificate is always checked.
        ca_file: Certificates to trust, PEM; the system's if None.
        every_seconds: Predictions are sent that long apart at least; 0 for all.
        retry_seconds: First and longest pause before the broker is tried again.
    """

    host: str
    port: int
    topic: str
    user: str | None = None
    password_file: str | None = None
    tls: bool = False
    ca_file: str | None = None
    every_seconds: float = 0.0
    retry_seconds: tuple[int, int] = _RETRY_SECONDS

    def __post_init__(self) -> None:
        if not self.topic or any(char in "+#\0" for char in self.topic):
            raise UsageError(f"The MQTT topic {self.topic!r} is empty or holds +, # or NUL.")
        if self.password_file is not None and self.user is None:
            raise UsageError("--mqtt-password-file needs --mqtt-user.")
        if self.ca_file is not None and not self.tls:
            raise UsageError("--mqtt-ca needs --mqtt-tls.")

    def password(self) -> str | None:
        """Read the password.

        Raises:
            UsageError: The file cannot be read.
        """
        if self.password_file is None:
            return None
        try:
            lines = Path(self.password_file).read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"The password file {self.password_file} cannot be read.") from error
        return lines[0] if lines else ""


class MqttSink(Sink):
    """Sends predictions to a broker, from a queue that forgets the oldest when it is full.

    Args:
        address: The broker.
        queue: Messages that wait for it at most.

    Raises:
        UsageError: The password or the certificates cannot be read.
    """

    shows_distance = True

    def __init__(self, address: MqttAddress, queue: int = _QUEUE) -> None:
        self.dropped = 0
        """Messages that were forgotten before they were sent."""
        self._address = address
        self._next = 0.0
        self._refusal = ""
        self._lock = threading.Lock()
        self._waiting: deque[tuple[str, str, bool]] = deque(maxlen=queue)
        self._in_flight = 0
        self._sending = threading.Lock()
        self._connected = False
        self._away = False
        self._client = self._new_client()
        self._client.connect_async(address.host, address.port, keepalive=_KEEPALIVE_SECONDS)
        self._client.loop_start()

    def write(self, prediction: Prediction, picture: NDArray[np.uint8] | None) -> None:
        """Queue one message, unless the last one is too recent."""
        now = time.monotonic()
        if now >= self._next:
            self._next = now + self._address.every_seconds
            self._queue("predictions", prediction_record(prediction))

    def source_changed(self, status: SourceStatus) -> None:
        """Queue what became of the camera."""
        self._queue("source", source_record(status), retain=True)

    def close(self, keep: bool) -> None:
        """Give what is queued a few seconds, say offline and leave."""
        deadline = time.monotonic() + _CLOSE_SECONDS
        while not self._away and self._busy() and time.monotonic() < deadline:
            time.sleep(0.01)
        if self._connected:
            farewell = self._client.publish(self._topic("status"), "offline", qos=1, retain=True)
            farewell.wait_for_publish(max(0.1, deadline - time.monotonic()))
        self._client.disconnect()
        self._client.loop_stop()
        self.dropped += len(self._waiting)
        if self.dropped:
            say(f"{self.dropped} MQTT messages were never sent.", "warning")

    def _new_client(self) -> mqtt.Client:
        address = self._address
        client = mqtt.Client(CallbackAPIVersion.VERSION2)
        client.max_inflight_messages_set(_IN_FLIGHT)
        client.reconnect_delay_set(*address.retry_seconds)
        client.will_set(self._topic("status"), "offline", qos=1, retain=True)
        if address.user is not None:
            client.username_pw_set(address.user, address.password())
            if not address.tls and address.host not in _LOCAL:
                say(
                    "The MQTT password goes over the network unencrypted: add --mqtt-tls.",
                    "warning",
                )
        if address.tls:
            try:
                client.tls_set(ca_certs=address.ca_file)
            except (OSError, ValueError) as error:
                raise UsageError(
                    f"The certificates {address.ca_file} cannot be used ({error})."
                ) from error
        client.on_connect = self._on_connect
        client.on_connect_fail = self._on_connect_fail
        client.on_disconnect = self._on_disconnect
        client.on_publish = self._on_publish
        return client

    def _topic(self, name: str) -> str:
        return f"{self._address.topic}/{name}"

    def _queue(self, name: str, record: dict[str, Any], retain: bool = False) -> None:
        with self._lock:
            if len(self._waiting) == self._waiting.maxlen:
                self.dropped += 1
            self._waiting.append((self._topic(name), json.dumps(record), retain))
        self._send_waiting()

    def _busy(self) -> bool:
        with self._lock:
            return bool(self._waiting or self._in_flight)

    def _send_waiting(self) -> None:
        """Hand over to the client, in order, what it may have under way at once.

        The client calls back with a lock of its own held, so no lock of ours that a callback waits
        for is held while the client is called: whoever finds ``_sending`` taken leaves the rest to
        its holder, which looks again after it let go.
        """
        while self._may_send() and self._sending.acquire(blocking=False):
            try:
                while (message := self._take_slot()) is not None:
                    topic, payload, retain = message
                    self._client.publish(topic, payload, qos=1, retain=retain)
            finally:
                self._sending.release()

    def _may_send(self) -> bool:
        with self._lock:
            return self._connected and bool(self._waiting) and self._in_flight < _IN_FLIGHT

    def _take_slot(self) -> tuple[str, str, bool] | None:
        with self._lock:
            if not self._connected or not self._waiting or self._in_flight >= _IN_FLIGHT:
                return None
            self._in_flight += 1
            return self._waiting.popleft()

    def _on_connect(
        self, client: mqtt.Client, userdata: object, flags: object, reason: Any, properties: object
    ) -> None:
        if reason.is_failure:
            self._away = True
            self._say_once(f"The MQTT broker refuses this device: {reason}.")
            return
        with self._lock:
            self._refusal = ""
            self._connected = True
            self._away = False
            self._in_flight += 1
        client.publish(self._topic("status"), "online", qos=1, retain=True)
        self._send_waiting()

    def _on_connect_fail(self, client: mqtt.Client, userdata: object) -> None:
        self._away = True
        where = f"{self._address.host}:{self._address.port}"
        self._say_once(f"The MQTT broker {where} cannot be reached; it is tried again.")

    def _on_disconnect(
        self, client: mqtt.Client, userdata: object, flags: object, reason: Any, properties: object
    ) -> None:
        self._connected = False
        if reason.is_failure and not self._away:
            self._away = True
            self._say_once(f"The MQTT broker is away: {reason}.")

    def _on_publish(
        self, client: mqtt.Client, userdata: object, mid: int, reason: Any, properties: object
    ) -> None:
        with self._lock:
            self._in_flight -= 1
        self._send_waiting()

    def _say_once(self, text: str) -> None:
        if text != self._refusal:
            self._refusal = text
            say(text, "warning")
