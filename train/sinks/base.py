"""The interface of a place that follows a run, and the guard that keeps its failures to itself."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

__all__ = ["GuardedSink", "RunSink"]


class RunSink(ABC):
    """Somewhere that the figures of a run go, beside its own files."""

    @abstractmethod
    def begin(self, parameters: Mapping[str, str], artifacts: tuple[Path, ...]) -> None:
        """Open the record of a run, new or resumed.

        Args:
            parameters: the resolved configuration, ``table.entry`` to its value.
            artifacts: files that describe the run.
        """

    @abstractmethod
    def epoch(self, epoch: int, figures: Mapping[str, float]) -> None:
        """Add the figures of an epoch, by names such as ``epoch/val_loss`` or ``alpha/SITE``."""

    @abstractmethod
    def note(self, epoch: int, sentence: str) -> None:
        """Add a sentence about an epoch."""

    @abstractmethod
    def close(self, *, finished: bool) -> None:
        """Close the record; ``finished`` is False where the run can be gone on with."""


class GuardedSink(RunSink):
    """A sink that fails once at most, says so, and lets the training go on.

    A tracking server that is away or a full disk of events must not cost a night of training.
    """

    def __init__(self, name: str, make: Callable[[], RunSink], tell: Callable[[str], None]) -> None:
        """Make the sink.

        Args:
            name: of the sink, for people.
            make: gives the sink itself; it may fail, too.
            tell: takes a message.
        """
        self._name, self._tell = name, tell
        self._sink: RunSink | None = None
        with self._guarded():
            self._sink = make()

    def begin(self, parameters: Mapping[str, str], artifacts: tuple[Path, ...]) -> None:
        """See :class:`RunSink`."""
        with self._guarded():
            if self._sink is not None:
                self._sink.begin(parameters, artifacts)

    def epoch(self, epoch: int, figures: Mapping[str, float]) -> None:
        """See :class:`RunSink`."""
        with self._guarded():
            if self._sink is not None:
                self._sink.epoch(epoch, figures)

    def note(self, epoch: int, sentence: str) -> None:
        """See :class:`RunSink`."""
        with self._guarded():
            if self._sink is not None:
                self._sink.note(epoch, sentence)

    def close(self, *, finished: bool) -> None:
        """See :class:`RunSink`."""
        with self._guarded():
            if self._sink is not None:
                self._sink.close(finished=finished)

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            yield
        # Whatever another project's client raises; an interruption is none of these.
        except Exception as error:
            self._sink = None
            reason = str(error).strip().partition("\n")[0] or type(error).__name__
            self._tell(f"{self._name} takes no part in this run any more: {reason}")
