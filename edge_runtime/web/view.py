"""Between the loop and the browsers: the latest moment, and who is waiting for the next.

The loop's thread publishes; the server's thread reads. While nobody looks, publishing copies
nothing, and however many look, a picture is encoded once.
"""

from __future__ import annotations

import asyncio
import json
import math
import threading
import time
from collections import deque
from typing import Any

from edge_runtime import __version__
from edge_runtime.assessment.assessor import call_threshold
from edge_runtime.board import temperature_celsius
from edge_runtime.bundle.schema import BundleSpec
from edge_runtime.classifier import Prediction
from edge_runtime.quick_dataclass import dataclass
from edge_runtime.sources.base import SourceStatus
from edge_runtime.sources.frame_pool import FramePool
from edge_runtime.web.moments import MapLayer, Picture, field_in_frame

__all__ = ["LiveView", "Moment", "encode_moment"]

_LOOKING_SECONDS = 3.0
_OLD_MAP_SECONDS = 1.0
_RATE_FRAMES = 30
_TEMPERATURE_SECONDS = 2.0


@dataclass(frozen=True)
class Moment:
    """One moment of the loop.

    Attributes:
        number: Counts what was published, from 1.
        prediction: The latest; None before the first.
        picture: Its picture; None if nobody was looking.
        layer: The latest map; None without maps.
        status: The latest loss or return of the source; None before the first.
        fps: Frames a second of late.
        dropped: Frames that the loop never took.
    """

    number: int = 0
    prediction: Prediction | None = None
    picture: Picture | None = None
    layer: MapLayer | None = None
    status: SourceStatus | None = None
    fps: float = 0.0
    dropped: int = 0


class LiveView:
    """The latest moment of a loop, for any number of viewers."""

    def __init__(self) -> None:
        self._moment = Moment()
        self._pool = FramePool()
        self._times: deque[float] = deque(maxlen=_RATE_FRAMES)
        self._looked_at = -math.inf
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiting: set[asyncio.Future[None]] = set()
        self._closed = False
        self._spec: BundleSpec | None = None
        self._temperature: tuple[float, float | None] = (-math.inf, None)

    def publish(self, prediction: Prediction, spec: BundleSpec, dropped: int) -> None:
        """Take a frame's prediction; its image is copied if anybody looks.

        Args:
            prediction: The prediction, assessed.
            spec: Of the bundle that made it.
            dropped: Frames that the loop never took, so far.
        """
        before = self._moment
        self._times.append(time.monotonic())
        looking = self.has_viewers()
        self._spec = spec
        self._show(
            Moment(
                before.number + 1,
                prediction,
                Picture(prediction.frame.image, self._pool) if looking else None,
                _layer(prediction, before.number + 1) or before.layer,
                before.status,
                self._rate(),
                dropped,
            )
        )

    def has_viewers(self) -> bool:
        """Whether anybody has looked within the last seconds."""
        return time.monotonic() - self._looked_at < _LOOKING_SECONDS

    def source_changed(self, status: SourceStatus) -> None:
        """Take the loss or return of the source."""
        before = self._moment
        self._times.clear()
        self._show(
            Moment(
                before.number + 1,
                before.prediction,
                before.picture,
                before.layer,
                status,
                0.0,
                before.dropped,
            ),
            keeps_picture=True,
        )

    def close(self) -> None:
        """Wake everybody who waits; nobody waits any more."""
        with self._lock:
            self._closed = True
        self._wake()

    async def after(self, number: int, seconds: float) -> Moment:
        """Return the latest moment, once it is later than ``number`` or the time is over."""
        self._looked_at = time.monotonic()
        future: asyncio.Future[None] | None = None
        with self._lock:
            self._loop = asyncio.get_running_loop()
            if self._moment.number <= number and not self._closed:
                future = self._loop.create_future()
                self._waiting.add(future)
        if future is not None:
            await asyncio.wait([future], timeout=seconds)
            with self._lock:
                self._waiting.discard(future)
            self._looked_at = time.monotonic()
        return self._moment

    def state(self, moment: Moment, viewers: int) -> dict[str, Any]:
        """Return what a moment is, without picture and map, as a JSON object."""
        prediction, status = moment.prediction, moment.status
        lost = status is not None and status.state == "lost"
        state = "lost" if lost else "waiting" if prediction is None else "live"
        now = time.monotonic()
        return {
            "number": moment.number,
            "state": state,
            "reason": status.reason if status is not None and lost else "",
            "lost_ms": (now - status.since.monotonic) * 1e3 if status is not None and lost else 0,
            "losses": 0 if status is None else status.losses,
            "fps": moment.fps,
            "dropped": moment.dropped,
            "viewers": viewers,
            "temperature_c": self._temperature_c(now),
            "version": __version__,
            **({} if prediction is None else _prediction_state(prediction, self._spec, now)),
        }

    def _rate(self) -> float:
        span = self._times[-1] - self._times[0]
        return (len(self._times) - 1) / span if span > 0 else 0.0

    def _temperature_c(self, now: float) -> float | None:
        if now - self._temperature[0] > _TEMPERATURE_SECONDS:
            self._temperature = now, temperature_celsius()
        return self._temperature[1]

    def _show(self, moment: Moment, keeps_picture: bool = False) -> None:
        with self._lock:
            previous, self._moment = self._moment, moment
        if previous.picture is not None and not keeps_picture:
            previous.picture.give_up()
        self._wake()

    def _wake(self) -> None:
        with self._lock:
            if self._loop is None or not self._waiting:
                return
            waiting, self._waiting = self._waiting, set()
            loop = self._loop
        try:
            loop.call_soon_threadsafe(_resolve, waiting)
        except RuntimeError:  # the server has ended meanwhile, and with it who waited
            return


def encode_moment(
    moment: Moment, state: dict[str, Any], picture_after: int, map_after: int
) -> bytes:
    """Return one moment as bytes: the picture and the state in it belong together.

    A 4-byte length (big endian), that many bytes of JSON, the JPEG picture, the PNG map; their
    lengths are ``picture_bytes`` and ``map.bytes`` in the JSON, 0 for what the viewer has already.

    Args:
        moment: The moment.
        state: Of :meth:`LiveView.state`.
        picture_after: Number of the latest moment that the viewer has.
        map_after: Number of the latest map that the viewer has.
    """
    picture = png = b""
    if moment.picture is not None and moment.number > picture_after:
        picture = moment.picture.jpeg()
    layer_state = None
    if moment.layer is not None and moment.prediction is not None:
        layer = moment.layer
        encoded = layer.encoded()
        if layer.number > map_after:
            png = encoded.png
        older = moment.prediction.frame.captured_at.monotonic - layer.captured_at
        layer_state = {
            "number": layer.number,
            "bytes": len(png),
            "label": layer.label,
            "no_signal": layer.no_signal,
            "place": layer.place,
            "outline": encoded.outline,
            "older_ms": older * 1e3,
            "old": older > _OLD_MAP_SECONDS,
        }
    record = {**state, "picture_bytes": len(picture), "map": layer_state}
    text = json.dumps(_finite(record), allow_nan=False).encode()
    return len(text).to_bytes(4, "big") + text + picture + png


def _layer(prediction: Prediction, number: int) -> MapLayer | None:
    if prediction.saliency is None or prediction.saliency_class is None:
        return None
    height, width = prediction.frame.image.shape[:2]
    return MapLayer(
        number,
        prediction.saliency,
        prediction.saliency_class,
        prediction.mapping,
        (height, width),
        prediction.frame.captured_at.monotonic,
        "" if prediction.evidence is None else prediction.evidence.no_signal,
    )


def _prediction_state(
    prediction: Prediction, spec: BundleSpec | None, now: float
) -> dict[str, Any]:
    frame, assessment = prediction.frame, prediction.assessment
    height, width = frame.image.shape[:2]
    limit = None if spec is None or spec.features is None else spec.features.threshold
    shown = prediction.shown_label
    return {
        "source": frame.source,
        "frame": frame.index,
        "size": [width, height],
        "field": _field(prediction, spec),
        "age_ms": (now - frame.captured_at.monotonic) * 1e3,
        "label": prediction.label,
        "shown_label": shown,
        "shown_probability": prediction.probabilities[shown]
        if assessment is None
        else assessment.shown_probability,
        "uncertain": assessment is not None and assessment.uncertain,
        "unfamiliar": None if assessment is None else assessment.unfamiliar,
        "distance": None if assessment is None else assessment.distance,
        "distance_limit": limit,
        "classes": [
            {
                "name": name,
                "probability": value,
                "threshold": None if spec is None else call_threshold(spec, name),
            }
            for name, value in prediction.probabilities.items()
        ],
        "timings_ms": prediction.timings_ms,
        "bundle": prediction.model.name,
        "bundle_sha256": prediction.model.sha256,
        "engine": prediction.model.engine,
        "intended_use": "" if spec is None else spec.intended_use,
    }


def _field(prediction: Prediction, spec: BundleSpec | None) -> list[float] | None:
    """Return the part of the frame that the network sees, in shares of it."""
    height, width = prediction.frame.image.shape[:2]
    if prediction.saliency is not None:
        cells: tuple[int, ...] = prediction.saliency.shape
    elif spec is not None:
        cells = (spec.preprocessing.height, spec.preprocessing.width)
    else:
        return None
    return list(field_in_frame(prediction.mapping, cells, (height, width)))


def _finite(value: Any) -> Any:
    """Return JSON with null for every number that JSON does not know."""
    if isinstance(value, dict):
        return {key: _finite(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(entry) for entry in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _resolve(waiting: set[asyncio.Future[None]]) -> None:
    for future in waiting:
        if not future.done():
            future.set_result(None)
