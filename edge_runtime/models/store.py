"""The model store: installed bundles, each under its own hash, and the record of which one runs.

    STATE/models/SHA256/     a bundle, under the SHA-256 of its bundle.json (which holds the
                             hashes of every other file)
    STATE/selection.json     which one runs; see :class:`~edge_runtime.models.Selection`

A bundle appears in the store by one rename after it was checked, and the record changes by one
rename, so a process that is killed at any moment leaves a store that works.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from edge_runtime.bundle.reader import Bundle, open_bundle
from edge_runtime.bundle.schema import BUNDLE_FILE, SIGNATURE_FILE
from edge_runtime.errors import ArtifactError, OutputError
from edge_runtime.files import (
    atomic_directory,
    atomic_write_bytes,
    atomic_write_text,
    output_errors,
)
from edge_runtime.models.selection import Selection
from edge_runtime.quick_dataclass import dataclass

__all__ = ["InstalledModel", "ModelStore"]

SELECTION_FILE = "selection.json"
MODELS_FOLDER = "models"
_SHA256 = re.compile(r"[0-9a-f]{64}")
_LEAST_PREFIX = 4
_LOCK_FILE = ".lock"
_INSTALL_LOCK_FILE = ".install.lock"


@dataclass(frozen=True)
class InstalledModel:
    """A model in the store.

    Attributes:
        sha256: Its identity.
        name: Name of the bundle; empty if it is damaged.
        bytes: Size of its files.
        installed_at: When it was put in place.
        problem: Why it cannot be used; empty if its record can be read.
    """

    sha256: str
    name: str
    bytes: int
    installed_at: datetime
    problem: str = ""


class ModelStore:
    """The store below a state directory. Reading works on a read-only file system, too.

    Args:
        root: The state directory; made when something is installed.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._models = root / MODELS_FOLDER
        self._selection_path = root / SELECTION_FILE

    def selection(self) -> Selection:
        """Return which models run; the empty record if nothing was ever chosen.

        Raises:
            ArtifactError: The record is damaged or of a later version.
        """
        try:
            # A pipe in its place would be waited for, by the doctor too.
            flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC
            with os.fdopen(os.open(self._selection_path, flags), "rb") as stream:
                data = stream.read() or b""
        except FileNotFoundError:
            return Selection()
        except OSError as error:
            raise ArtifactError(
                f"{self._selection_path} cannot be read ({error.strerror}); check its permissions."
            ) from error
        try:
            record = json.loads(data)
            if not isinstance(record, dict):
                raise ValueError("it is no object")
            return Selection.from_json(record)
        except (ValueError, RecursionError) as error:
            raise ArtifactError(
                f"{self._selection_path} is damaged ({error}); remove it and choose a model with "
                f"`saliedge models use`."
            ) from error

    def selection_mark(self) -> tuple[int, int, int] | None:
        """Return what changes whenever the record does; one system call, None without a record."""
        try:
            status = self._selection_path.stat()
        except OSError:
            return None
        return status.st_ino, status.st_mtime_ns, status.st_size

    def update(self, change: Callable[[Selection], Selection]) -> Selection:
        """Change the record in one step, alone, and wait until the disk has it.

        Args:
            change: From the present record to the new one; an equal one is not written.

        Returns:
            The new record.

        Raises:
            OutputError: The state directory cannot be written.
            ArtifactError: The record is damaged, or ``change`` refused.
        """
        with self._locked(_LOCK_FILE):
            before = self.selection()
            after = change(before)
            if after != before:
                text = json.dumps(after.to_json(), indent=1) + "\n"
                atomic_write_text(self._selection_path, text)
            return after

    def installed(self) -> list[InstalledModel]:
        """Return the installed models, the latest first."""
        models = [self._describe(path) for path in self._folders()]
        return sorted(models, key=lambda model: (model.installed_at, model.sha256), reverse=True)

    def open(self, sha256: str) -> Bundle:
        """Open an installed model.

        Raises:
            ArtifactError: It is not installed, or its record is not the one that was installed.
        """
        path = self._models / sha256
        if not path.is_dir():
            raise ArtifactError(f"The model {sha256[:12]} is not installed in {self.root}.")
        bundle = open_bundle(path)
        if bundle.sha256 != sha256:
            raise ArtifactError(
                f"{path / BUNDLE_FILE} is not the file that was installed; install the bundle "
                f"again."
            )
        return bundle

    def find(self, reference: str) -> str:
        """Return the SHA-256 of an installed model.

        Args:
            reference: The beginning of its SHA-256, at least four digits, or its bundle's name.

        Raises:
            ArtifactError: There is none, or there are several.
        """
        models = self.installed()
        found = [model for model in models if model.name == reference]
        if not found and len(reference) >= _LEAST_PREFIX:
            found = [model for model in models if model.sha256.startswith(reference.lower())]
        if len(found) == 1:
            return found[0].sha256
        known = ", ".join(f"{model.sha256[:12]} ({model.name})" for model in found or models)
        if found:
            raise ArtifactError(f"Several models are called {reference!r}; give a hash: {known}.")
        raise ArtifactError(
            f"No model {reference!r} is installed in {self.root}; there is: {known or 'none'}."
        )

    def install(self, source: Bundle, test: Callable[[Path], None]) -> bool:
        """Copy a bundle into the store, check the copy, and put it in place in one step.

        Args:
            source: The bundle. Only the files that its record lists are copied.
            test: Called with the folder of the checked copy; whatever it raises ends the
                installation and leaves the store as it was.

        Returns:
            False if the model was installed already, whole.

        Raises:
            ArtifactError: A file is missing, changed or extra.
            OutputError: The store cannot be written, or another process is changing it.
        """
        with self._installing():
            source.verify_files().require(source.path)
            target = self._models / source.sha256
            if self._is_whole(source.sha256):
                self._take_signature(source)
                return False
            with atomic_directory(target, force=True) as folder:
                _copy(source, folder)
                open_bundle(folder).verify_files().require(folder)
                test(folder)
            return True

    def remove(self, sha256: str) -> None:
        """Remove a model that is neither in use nor the one to fall back to.

        Raises:
            ArtifactError: It is in use or not installed.
            OutputError: The store cannot be written, or another process is changing it.
        """
        with self._installing():
            target = self._models / sha256
            if not target.is_dir():
                raise ArtifactError(f"The model {sha256[:12]} is not installed in {self.root}.")
            self.update(lambda selection: selection.forget(sha256))
            with output_errors(target):
                # Hidden first, in one step, so that no half of it is ever listed.
                hidden = self._models / f".{sha256}.removed"
                target.rename(hidden)
                shutil.rmtree(hidden)

    def _folders(self) -> list[Path]:
        try:
            names = sorted(entry.name for entry in os.scandir(self._models) if entry.is_dir())
        except OSError:
            return []
        return [self._models / name for name in names if _SHA256.fullmatch(name)]

    def _describe(self, path: Path) -> InstalledModel:
        status = path.stat()
        installed_at = datetime.fromtimestamp(status.st_mtime, UTC)
        try:
            bundle = self.open(path.name)
        except ArtifactError as error:
            return InstalledModel(path.name, "", 0, installed_at, str(error))
        size = sum(record.bytes for record in bundle.spec.files.values())
        return InstalledModel(path.name, bundle.spec.name, size, installed_at)

    def _is_whole(self, sha256: str) -> bool:
        try:
            return self.open(sha256).verify_files().passed
        except ArtifactError:
            return False

    def _take_signature(self, source: Bundle) -> None:
        """Keep the signature of a bundle that is installed already, perhaps by another key."""
        signature = source.read_signature()
        if signature is not None and signature != self.open(source.sha256).read_signature():
            atomic_write_bytes(self._models / source.sha256 / SIGNATURE_FILE, signature)

    @contextlib.contextmanager
    def _installing(self) -> Iterator[None]:
        """Be the only process that adds and removes models; clear what a killed one left."""
        with self._locked(_INSTALL_LOCK_FILE, wait=False):
            with output_errors(self._models):
                self._models.mkdir(exist_ok=True)
                for entry in list(os.scandir(self._models)):
                    if entry.name.startswith(".") and entry.is_dir(follow_symlinks=False):
                        shutil.rmtree(entry.path, ignore_errors=True)
            yield

    @contextlib.contextmanager
    def _locked(self, name: str, wait: bool = True) -> Iterator[None]:
        """Hold a lock of the store; a killed process loses it.

        Raises:
            OutputError: The store cannot be written, or the lock is taken and not to be waited for.
        """
        path = self.root / name
        with output_errors(path):
            self.root.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError as error:
            os.close(descriptor)
            raise OutputError(
                f"Another command is changing the models in {self.root}; run this one again when "
                f"it has ended."
            ) from error
        try:
            yield
        finally:
            os.close(descriptor)


def _copy(source: Bundle, folder: Path) -> None:
    """Write what was verified of a bundle, and its signature, into a folder."""
    for name in sorted(source.spec.files):
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(source.read_file(name))
    (folder / BUNDLE_FILE).write_bytes(source.record)
    signature = source.read_signature()
    if signature is not None:
        (folder / SIGNATURE_FILE).write_bytes(signature)
