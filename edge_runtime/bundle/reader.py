"""Reading a bundle so that the bytes that are used are the bytes that were checked.

A file is read once into memory, hashed there, and those bytes are handed on; nothing is read
twice. Names in ``bundle.json`` stay inside the bundle, and links in it are refused. The folder
itself may be reached through a link.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable
from dataclasses import field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from numpy.typing import NDArray

from edge_runtime.bundle.formats import read_json_object, read_npy
from edge_runtime.bundle.schema import (
    BUNDLE_FILE,
    REFERENCE_FILE,
    SIGNATURE_FILE,
    BundleSpec,
    GraphSpec,
    ReferenceSpec,
)
from edge_runtime.errors import ArtifactError
from edge_runtime.files import sha256_bytes
from edge_runtime.quick_dataclass import dataclass

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

__all__ = [
    "Bundle",
    "FileCheck",
    "Reference",
    "open_bundle",
    "open_reference",
    "reference_path",
]

# Records are some ten kilobytes long; parsed JSON takes up to twenty times its text.
_MAX_RECORD_BYTES = 8 << 20
_FILE_OF_RUN = "best.safetensors"
_MAX_SIGNATURE_BYTES = 2 * _MAX_RECORD_BYTES  # holds the record in base64
_Spec = TypeVar("_Spec", BundleSpec, ReferenceSpec)


@dataclass(frozen=True)
class FileCheck:
    """Result of checking every file of a bundle.

    Attributes:
        checked: Files that are as listed.
        missing: Files that are listed but absent.
        changed: Files of another size or hash, or replaced by a link.
        extra: Files that are there but not listed.
    """

    checked: tuple[str, ...]
    missing: tuple[str, ...]
    changed: tuple[str, ...]
    extra: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether nothing is missing, changed or extra."""
        return not (self.missing or self.changed or self.extra)

    def require(self, path: Path) -> None:
        """Raise if the check of the folder at ``path`` failed.

        Raises:
            ArtifactError: It names every file that is missing, changed or extra.
        """
        if self.passed:
            return
        states = (("missing", self.missing), ("changed", self.changed), ("extra", self.extra))
        found = "; ".join(f"{state}: {', '.join(names)}" for state, names in states if names)
        raise ArtifactError(f"{path} is not as it was exported ({found}); copy it again.")


@dataclass(frozen=True)
class _Folder(Generic[_Spec]):
    """An opened bundle or reference.

    Attributes:
        path: The folder.
        spec: What its record says.
        record: The record's bytes, which ``spec`` was built from.
    """

    path: Path
    spec: _Spec
    record: bytes = field(repr=False)

    @cached_property
    def sha256(self) -> str:
        """SHA-256 of the record's bytes, the identity of the whole."""
        return sha256_bytes(self.record)

    def graph(
        self, precision: str = "int8", format: str = "onnx", saliency: str = "none"
    ) -> tuple[GraphSpec, bytes]:
        """Return a graph and the verified bytes of its file.

        Args:
            precision: ``int8`` (bundles) or ``float32`` (references).
            format: ``onnx`` or ``tflite``.
            saliency: ``none``, ``gradient``, ``gradient-early`` or ``cam``.

        Raises:
            ArtifactError: There is no such graph, or its file is missing or not as listed.
        """
        wanted = (precision, format, saliency)
        for spec in self.spec.graphs:
            if (spec.precision, spec.format, spec.saliency) == wanted:
                return spec, self.read_file(spec.file)
        offered = ", ".join(sorted(spec.name for spec in self.spec.graphs))
        raise ArtifactError(
            f"{self.path} has no {precision} {format} graph with saliency {saliency!r}; it has: "
            f"{offered}."
        )

    def read_file(self, name: str) -> bytes:
        """Return the verified bytes of a file listed in the record.

        Raises:
            ArtifactError: The file is not listed, missing, a link, or not as listed.
        """
        record = self.spec.files.get(name)
        if record is None:
            raise ArtifactError(f"{self.path} does not list a file {name!r}; export it again.")
        data = _read_inside(self.path, name, record.bytes)
        if len(data) != record.bytes or sha256_bytes(data) != record.sha256:
            raise ArtifactError(
                f"{self.path / name} is not the file that was exported (SHA-256 or size differ); "
                f"copy the bundle again."
            )
        return data

    def read_array(self, name: str) -> NDArray[Any]:
        """Return a verified ``.npy`` file of the bundle; pickled content is refused.

        Raises:
            ArtifactError: As :meth:`read_file`, or the file is no array.
        """
        data = self.read_file(name)
        try:
            return read_npy(data)
        except ValueError as error:
            raise ArtifactError(
                f"{self.path / name} is no NumPy array ({error}); export the bundle again."
            ) from error

    def verify_files(self) -> FileCheck:
        """Hash every file and compare it with the record; nothing is loaded.

        Returns:
            Which files are as listed, missing, changed and extra. It never raises for those.
        """
        checked: list[str] = []
        missing: list[str] = []
        changed: list[str] = []
        for name in sorted(self.spec.files):
            try:
                self.read_file(name)
            except ArtifactError:
                absent = not os.path.lexists(self.path / name)
                (missing if absent else changed).append(name)
            else:
                checked.append(name)
        present = {
            path.relative_to(self.path).as_posix()
            for path in self.path.rglob("*")
            if path.is_symlink() or not path.is_dir()
        }
        extra = sorted(present - self.spec.files.keys() - self.spec.unlisted_files)
        return FileCheck(tuple(checked), tuple(missing), tuple(changed), tuple(extra))


class Bundle(_Folder[BundleSpec]):
    """An opened ``NAME.edge/``; see :class:`~edge_runtime.bundle.schema.BundleSpec` for ``spec``.

    ``sha256`` goes into every record of a prediction as ``bundle_sha256``.
    """

    def read_signature(self) -> bytes | None:
        """Return the content of ``bundle.sig``, unverified; None if there is none.

        Raises:
            ArtifactError: It is a link or unreadable.
        """
        if not os.path.lexists(self.path / SIGNATURE_FILE):
            return None
        return _read_inside(self.path, SIGNATURE_FILE, _MAX_SIGNATURE_BYTES)

    def verify_signature(self, public_keys: Iterable[Ed25519PublicKey]) -> str:
        """Verify that a trusted key signed the record that ``spec`` was built from.

        Together with the hashes of the files this covers all of the bundle.

        Returns:
            The id of the key.

        Raises:
            SignatureError: See :func:`edge_runtime.bundle.signature.verify_signature`.
            ArtifactError: The signature file is a link or unreadable.
        """
        from edge_runtime.bundle.signature import verify_signature

        return verify_signature(self.record, self.read_signature(), public_keys, str(self.path))


class Reference(_Folder[ReferenceSpec]):
    """An opened ``NAME.reference/`` with the float graphs of a bundle."""


def open_bundle(path: str | os.PathLike[str]) -> Bundle:
    """Open a bundle: read and check ``bundle.json``; the other files are checked as they are read.

    Raises:
        ArtifactError: The folder or its record is missing, damaged or of another schema version.

    Examples:
        >>> bundle = open_bundle("toy.edge")
        >>> bundle.spec.classes
        ('red', 'green', 'blue')
        >>> bundle.verify_files().passed  # every file has the hash that it was exported with
        True
        >>> graph, data = bundle.graph(format="tflite", saliency="gradient")  # verified bytes
        >>> graph.file, graph.input("image").shape  # [1, H, W, 3]
        ('int8-gradient.tflite', (1, 16, 16, 3))
    """
    folder = Path(path)
    record, data = _read_record(folder, BUNDLE_FILE, "a bundle")
    return Bundle(folder, _built(BundleSpec, record, folder / BUNDLE_FILE), data)


def open_reference(path: str | os.PathLike[str]) -> Reference:
    """Open the float references ``NAME.reference/``; errors as :func:`open_bundle`."""
    folder = Path(path)
    record, data = _read_record(folder, REFERENCE_FILE, "a reference")
    return Reference(folder, _built(ReferenceSpec, record, folder / REFERENCE_FILE), data)


def reference_path(bundle_path: str | os.PathLike[str]) -> Path:
    """Return where the float references of ``NAME.edge`` lie: ``NAME.reference`` beside it.

    Examples:
        >>> str(reference_path("models/first.edge/"))
        'models/first.reference'
    """
    path = Path(os.path.normpath(bundle_path))
    return path.with_name(f"{path.name.removesuffix('.edge')}.reference")


def _built(kind: type[_Spec], record: dict[str, Any], path: Path) -> _Spec:
    try:
        return kind.from_json(record)
    except ValueError as error:
        raise ArtifactError(f"{path} cannot be used: {error}.") from error


def _read_record(folder: Path, name: str, kind: str) -> tuple[dict[str, Any], bytes]:
    if not folder.is_dir():
        state = "is a file" if folder.exists() else "does not exist"
        raise ArtifactError(f"{folder} {state}; give the folder of {kind}.")
    if not os.path.lexists(folder / name):
        advice = "check the path"
        if (folder / _FILE_OF_RUN).exists():
            advice = f"it is a run; make one: saliedge export {folder} --int8 --out NAME.edge"
        raise ArtifactError(f"{folder} holds no {name}, so it is not {kind}; {advice}.")
    data = _read_inside(folder, name, _MAX_RECORD_BYTES)
    try:
        return read_json_object(data), data
    except ValueError as error:
        raise ArtifactError(f"{folder / name} is damaged ({error}); copy {kind} again.") from error


def _read_inside(folder: Path, name: str, limit: int) -> bytes:
    """Read a file below a folder without following any link below it.

    Args:
        folder: The bundle.
        name: A checked relative name.
        limit: Bytes that it may have.

    Raises:
        ArtifactError: The file is missing, a link, longer, no plain file or unreadable.
    """
    path = folder / name
    try:
        descriptor = os.open(folder, os.O_DIRECTORY)
        try:
            for part in name.split("/"):
                inner = os.open(part, os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=descriptor)
                os.close(descriptor)
                descriptor = inner
            _check_plain(descriptor, path, limit)
            with os.fdopen(os.dup(descriptor), "rb") as stream:
                # A file that grew in between shows by its length, and is not read whole.
                return stream.read(min(limit, os.fstat(descriptor).st_size) + 1)
        finally:
            os.close(descriptor)
    except OSError as error:
        if error.errno == errno.ENOENT:
            reason = "is missing; copy the bundle again"
        elif error.errno in (errno.ELOOP, errno.ENOTDIR):
            reason = "is a link, which a bundle must not hold; copy the file itself"
        else:
            reason = f"cannot be read ({error.strerror}); check its permissions"
        raise ArtifactError(f"{path} {reason}.") from error


def _check_plain(descriptor: int, path: Path, limit: int) -> None:
    """Look at an opened file before anything of it is read."""
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode):
        raise ArtifactError(
            f"{path} is not the file that was exported (it is a folder, a pipe or a device); copy "
            "the bundle again."
        )
    if found.st_size > limit:
        raise ArtifactError(
            f"{path} is not the file that was exported ({found.st_size} bytes, at most {limit} are "
            "expected); copy the bundle again."
        )
