"""The classifier of a run that follows its store: trials, returns and models taken in flight."""

from __future__ import annotations

import math
import threading
import time
from types import TracebackType

from edge_runtime.bundle.reader import Bundle
from edge_runtime.classifier import Classifier, Prediction
from edge_runtime.errors import SaliedgeError
from edge_runtime.models.startup import ModelStarter
from edge_runtime.sources.base import Frame

__all__ = ["StoreClassifier"]

_WATCH_SECONDS = 0.5
_JOIN_SECONDS = 5.0


class StoreClassifier:
    """Classifies with the model that a store says should run.

    Another model that is chosen meanwhile is tested in a child process and loaded by a thread; the
    exchange itself happens between two frames, so the camera never notices. If the new one fails,
    the old one goes on. Enter it to load the first model.

    Args:
        starter: Loads the models.
        trial_frames: Frames after which a model on trial has proved itself.
        follows: Whether to take another model while running.
        watch_seconds: How often to look whether another model was chosen.
    """

    def __init__(
        self,
        starter: ModelStarter,
        trial_frames: int,
        follows: bool = True,
        watch_seconds: float = _WATCH_SECONDS,
    ) -> None:
        self._starter = starter
        self._store = starter.store
        self._trial_frames = trial_frames
        self.follows = follows
        self._watch_seconds = watch_seconds
        self._next_look = 0.0
        self._mark: object = None
        self._left = 0
        self._preparation: _Preparation | None = None
        self._current: Classifier | None = None

    def __enter__(self) -> StoreClassifier:
        # The mark is older than what is loaded: a change in between is seen at the first look.
        self._mark = self._store.selection_mark()
        self._take(self._starter.start())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        in_order = kind is None or issubclass(kind, SaliedgeError)
        self._starter.cancelled.set()
        if self._preparation is not None:
            self._preparation.abandon()
        current, self._current = self._current, None
        if current is None:
            return
        current.close()
        if in_order and self._left:
            self._starter.withdraw(current.bundle.sha256)

    @property
    def bundle(self) -> Bundle:
        """The bundle that classifies at present."""
        return self._running.bundle

    @property
    def on_trial(self) -> bool:
        """Whether the present model has still to prove itself."""
        return self._left > 0

    def classify(self, frame: Frame) -> Prediction:
        """Classify one frame, with another model than the last frame's if one is ready."""
        if self.follows:
            self._look_for_another()
        if not self._left:
            return self._running.classify(frame)
        return self._classify_on_trial(frame)

    def camera_lost(self) -> None:
        """Stop holding what follows against a model on trial: without a camera there are no frames.

        A watchdog that restarts the service until the camera is back says nothing about the model.
        """
        if self._left:
            self._starter.withdraw(self.bundle.sha256)

    def camera_back(self) -> None:
        """Count the start of a model on trial again."""
        if self._left:
            self._starter.resume(self.bundle.sha256)

    @property
    def _running(self) -> Classifier:
        if self._current is None:
            raise RuntimeError("the classifier is not entered")
        return self._current

    def _classify_on_trial(self, frame: Frame) -> Prediction:
        sha256 = self.bundle.sha256
        try:
            prediction = self._running.classify(frame)
            if not all(math.isfinite(value) for value in prediction.probabilities.values()):
                raise ArithmeticError("a probability is no finite number")
        except Exception as error:  # whatever a new model raises, the camera's picture goes on
            self._starter.give_up(sha256, f"it failed on a frame ({error})")
            self._take(self._starter.load_proven())
            return self._running.classify(frame)
        self._left -= 1
        if not self._left:
            self._starter.prove(sha256)
        return prediction

    def _take(self, classifier: Classifier) -> None:
        """Classify with another model from now on."""
        previous, self._current = self._current, classifier
        if previous is not None:
            previous.close()
        sha256 = classifier.bundle.sha256
        self._left = self._trial_frames if self._store.selection().trial == sha256 else 0
        state = " on trial" if self._left else ""
        self._starter.report(
            f"Running {classifier.identity.name} {sha256[:12]} in {classifier.identity.engine}"
            f"{state}."
        )

    def _look_for_another(self) -> None:
        """Notice a change of the record, prepare the model it names, take it when it is ready."""
        if self._preparation is not None:
            if not self._preparation.ended:
                return
            prepared, self._preparation = self._preparation.result, None
            if prepared is not None:
                self._take(prepared)
            return
        now = time.monotonic()
        if now < self._next_look:
            return
        self._next_look = now + self._watch_seconds
        mark = self._store.selection_mark()
        if mark == self._mark:
            return
        self._mark = mark
        try:
            selection = self._store.selection()
        except SaliedgeError as error:
            self._starter.report(str(error))
            return
        if selection.wanted not in (None, self.bundle.sha256):
            self._preparation = _Preparation(
                self._starter, str(selection.wanted), selection.trial is not None
            )


class _Preparation:
    """A thread that tests and loads one model.

    Attributes:
        result: The classifier, or None while it is not ready and if it failed.
    """

    def __init__(self, starter: ModelStarter, sha256: str, on_trial: bool) -> None:
        self.result: Classifier | None = None
        self._starter = starter
        self._sha256 = sha256
        self._on_trial = on_trial
        self._thread = threading.Thread(target=self._run, daemon=True, name="model")
        self._thread.start()

    @property
    def ended(self) -> bool:
        """Whether the model is ready or has failed."""
        return not self._thread.is_alive()

    def abandon(self) -> None:
        """Wait for the thread, whose self-test was cancelled, and close what it loaded."""
        self._thread.join(_JOIN_SECONDS)
        if self.result is not None:
            self.result.close()
            if self._on_trial:
                self._starter.withdraw(self._sha256)

    def _run(self) -> None:
        try:
            if self._on_trial:
                self.result = self._starter.try_out(self._sha256)
            else:
                self.result = self._starter.load_tested(self._sha256)
        except Exception as error:  # a thread must not die unheard
            self._starter.report(f"The model {self._sha256[:12]} could not be prepared: {error}")
