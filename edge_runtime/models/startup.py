"""Choosing a model that works when a run starts, and while it runs."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import field

from edge_runtime.bundle.reader import Bundle
from edge_runtime.classifier import Classifier
from edge_runtime.errors import (
    ArtifactError,
    DependencyError,
    GateError,
    OutputError,
    SaliedgeError,
    SignatureError,
    UsageError,
)
from edge_runtime.models.loading import LoadOptions, load_classifier
from edge_runtime.models.selection import TRIAL_STARTS, Selection
from edge_runtime.models.self_test import run_self_test
from edge_runtime.models.store import ModelStore
from edge_runtime.models.trust import Verify
from edge_runtime.quick_dataclass import dataclass

__all__ = ["ModelStarter"]


@dataclass(frozen=True)
class ModelStarter:
    """Loads models of a store so that one that fails cannot take the run down.

    Attributes:
        store: The store.
        options: How to load.
        verify: Called with every model before it is loaded.
        report: Takes one sentence for the log.
        cancelled: Ends a self-test under way.
    """

    store: ModelStore
    options: LoadOptions
    verify: Verify
    report: Callable[[str], None]
    cancelled: threading.Event = field(default_factory=threading.Event)

    def start(self) -> Classifier:
        """Load the model on trial, else the last good one, else the one before it.

        Raises:
            ArtifactError: There is no model, or none that works.
            SaliedgeError: The options of this run cannot be met (an engine that is not installed).
        """
        selection = self.store.selection()
        if selection.exhausted:
            reason = f"it was started {TRIAL_STARTS} times and never ended in order"
            self.give_up(str(selection.trial), reason)
        elif selection.trial is not None:
            classifier = self.try_out(selection.trial)
            if classifier is not None:
                return classifier
        return self.load_proven()

    def load_proven(self) -> Classifier:
        """Load the last good model, or an earlier one if that is damaged.

        Raises:
            ArtifactError: There is none, or none that can be loaded.
        """
        for sha256 in self.store.selection().proven:
            try:
                return load_classifier(self._checked(sha256), self.options)
            except (ArtifactError, SignatureError) as error:
                self.report(f"The good model {sha256[:12]} cannot be used: {error}")
        raise ArtifactError(
            f"{self.store.root} holds no model that works; install one with `saliedge models "
            f"install BUNDLE --use`, or give --bundle."
        )

    def load_tested(self, sha256: str) -> Classifier | None:
        """Load a model that is not on trial after a self-test; None if it does not work."""
        try:
            return self._tested(sha256)
        except SaliedgeError as error:
            self.report(f"The model {sha256[:12]} cannot be used: {error}")
            return None

    def try_out(self, sha256: str) -> Classifier | None:
        """Test and load a model on trial; its start is on record before anything of it is loaded.

        Returns:
            None if it does not run. Its trial is over then, unless this run's options are why.
        """
        try:
            self.store.update(lambda selection: selection.start(sha256))
        except OutputError as error:
            self.report(f"The model {sha256[:12]} cannot be tried: {error}")
            return None
        try:
            return self._tested(sha256)
        except (UsageError, DependencyError) as error:
            self.report(f"The model {sha256[:12]} cannot be tried: {error}")
            self.withdraw(sha256)
        except Exception as error:  # whatever a new model makes an engine raise
            if self.cancelled.is_set():
                self.withdraw(sha256)
            else:
                self.give_up(sha256, str(error))
        return None

    def give_up(self, sha256: str, reason: str) -> None:
        """End a trial on record and say so."""
        self.report(f"The model {sha256[:12]} failed its trial, the last good one runs: {reason}")
        self._record(lambda selection: selection.give_up(sha256, reason))

    def withdraw(self, sha256: str) -> None:
        """Take back the count of a start that says nothing about the model."""
        self._record(lambda selection: selection.end_in_order(sha256))

    def resume(self, sha256: str) -> None:
        """Count a start that was withdrawn."""
        self._record(lambda selection: selection.start(sha256))

    def prove(self, sha256: str) -> None:
        """End a trial with success and say so."""
        selection = self._record(lambda selection: selection.prove(sha256))
        if selection is not None and selection.good == sha256:
            self.report(f"The model {sha256[:12]} has proved itself.")

    def _record(self, change: Callable[[Selection], Selection]) -> Selection | None:
        """Change the record; a disk that does not take it must not stop the pictures."""
        try:
            return self.store.update(change)
        except OutputError as error:
            self.report(f"What happened to the model is not on record: {error}")
            return None

    def _checked(self, sha256: str) -> Bundle:
        bundle = self.store.open(sha256)
        self.verify(bundle)
        return bundle

    def _tested(self, sha256: str) -> Classifier:
        """Run the graph's golden inputs in a child process, then load it here.

        Raises:
            GateError: The engine crashed, hung or gave something else.
            SaliedgeError: As :func:`~edge_runtime.models.load_classifier`.
        """
        bundle = self._checked(sha256)
        engine = self.options.engine_for(bundle)
        result = run_self_test(
            bundle.path, engine, self.options.modes_for(bundle), cancelled=self.cancelled
        )
        if not result.passed:
            raise GateError(f"{result.problem}.")
        return load_classifier(bundle, self.options)
