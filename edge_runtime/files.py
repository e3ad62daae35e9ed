"""Writing so that a killed command leaves the previous result whole, and hashing.

Every output goes to a hidden temporary name beside its target, is synchronised to the disk and
renamed. A reader therefore sees the old content or the new one, never a part of it.
"""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import os
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

from edge_runtime.errors import OutputError, os_error
from edge_runtime.leftovers import clear_leftovers, remove_tree, temporary_beside

__all__ = [
    "PendingFile",
    "atomic_directory",
    "atomic_path",
    "atomic_write_bytes",
    "atomic_write_text",
    "output_errors",
    "refuse_existing",
    "refuse_unwritable",
    "sha256_bytes",
    "sha256_file",
    "wrote",
]

_CHUNK_BYTES = 1 << 20
_AT_FDCWD = -100
_RENAME_EXCHANGE = 2


def sha256_bytes(data: bytes | bytearray | memoryview) -> str:
    """Return the SHA-256 of bytes in memory as 64 lower-case hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def sha256_file(path: str | os.PathLike[str]) -> str:
    """Return the SHA-256 of a file as 64 lower-case hexadecimal digits, in constant memory.

    Raises:
        OSError: The file cannot be read.
    """
    digest = hashlib.sha256()
    with Path(path).open("rb") as stream:
        while chunk := stream.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def wrote(*names: str, also: Collection[str] = ()) -> Callable[[Path], bool]:
    """Return how an earlier output is known: a folder with these files, and nothing but them.

    Args:
        names: Files and folders that every such output has.
        also: Those that some have.
    """

    def is_earlier(folder: Path) -> bool:
        found = {entry.name for entry in folder.iterdir()} if folder.is_dir() else set()
        return found.issuperset(names) and found.issubset({*names, *also})

    return is_earlier


def refuse_existing(
    path: str | os.PathLike[str],
    force: bool,
    is_earlier: Callable[[Path], bool] | None = None,
) -> None:
    """Fail early, before any work, if an output exists and may not be replaced.

    Args:
        path: The file or folder.
        force: Whether an earlier output may be replaced.
        is_earlier: Tells an earlier output of the command from anything else, which is never
            replaced: a mistaken name must not cost anybody a folder of images. None takes all.

    Raises:
        OutputError: ``path`` exists (an empty folder does not count), and ``force`` is False or it
            is nothing that may be replaced.
    """
    target = Path(path)
    if not os.path.lexists(target):
        return
    if target.is_dir() and not target.is_symlink() and not any(target.iterdir()):
        return
    if is_earlier is not None and not is_earlier(target):
        raise OutputError(
            f"{target} is nothing that this command wrote, so it is not replaced; choose another "
            "name."
        )
    if not force:
        raise OutputError(f"{target} exists already; choose another name or add --force.")


def refuse_unwritable(path: str | os.PathLike[str], folder: bool = False) -> None:
    """Fail early, before any work, if nothing can be written beside an output.

    The folder that it will lie in is made if it is missing.

    Args:
        path: The output.
        folder: It is a folder itself, as for :func:`atomic_directory`.

    Raises:
        OutputError: the place is read-only, not permitted or full, or a folder is where a file
            should be.
    """
    target = Path(path)
    with output_errors(target):
        if folder:
            target.parent.mkdir(parents=True, exist_ok=True)
            probe = temporary_beside(target)
        else:
            probe = PendingFile(target).path
        try:
            probe.write_bytes(b"x")
        finally:
            probe.unlink(missing_ok=True)


def atomic_write_bytes(
    path: str | os.PathLike[str], data: bytes | memoryview, durable: bool = True
) -> None:
    """Write a file in one step; its folder is made if it is missing.

    Args:
        path: The file.
        data: Its whole content.
        durable: Wait until the disk has it. Without, the file is still whole or absent after a
            killed process, but not after a power cut: for files written at a camera's rate.

    Raises:
        OutputError: The place is read-only, not permitted or full. Nothing is left behind, and an
            earlier file of that name is unchanged.
    """
    with atomic_path(path, durable) as temporary, temporary.open("wb") as stream:
        stream.write(data)


def atomic_write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write a UTF-8 text file in one step; see :func:`atomic_write_bytes`."""
    atomic_write_bytes(path, text.encode("utf-8"))


@contextlib.contextmanager
def atomic_path(path: str | os.PathLike[str], durable: bool = True) -> Iterator[Path]:
    """Give a temporary file name beside ``path``, renamed to it when the block ends without error.

    Yields:
        A path that does not exist yet, to be created by the block.

    Raises:
        OutputError: See :func:`atomic_write_bytes`, or the block wrote nothing.
    """
    pending = PendingFile(path, durable)
    with output_errors(pending.target):
        try:
            yield pending.path
            pending.commit()
        except BaseException:
            pending.discard()
            raise


class PendingFile:
    """A file that is being written under a temporary name beside its target.

    For writers that live longer than a ``with`` block can say; see :func:`atomic_path` otherwise.
    The temporary name is hidden and keeps the target's suffix, for writers that go by it (video
    containers).

    Attributes:
        target: Where the file will be.
        path: The temporary name; does not exist yet.

    Raises:
        OutputError: The folder cannot be made, or the target is a folder, a device or a pipe.
    """

    def __init__(self, path: str | os.PathLike[str], durable: bool = True) -> None:
        self.target = Path(path)
        self.path = temporary_beside(self.target)
        self._durable = durable
        with output_errors(self.target):
            self.target.parent.mkdir(parents=True, exist_ok=True)
            if self.target.is_dir():
                raise OutputError(f"{self.target} is a folder; give the name of a file.")
            if self.target.exists() and not self.target.is_file():
                raise OutputError(f"{self.target} is a device or a pipe; give the name of a file.")

    def commit(self) -> None:
        """Put the file in place.

        Raises:
            OutputError: Nothing was written, or the target cannot be replaced.
        """
        with output_errors(self.target):
            if not self.path.exists():
                raise OutputError(
                    f"{self.target} was not written; check the free space of its disk."
                )
            if self._durable:
                _sync(self.path)
            self.path.replace(self.target)
            if self._durable:
                _sync(self.target.parent)

    def discard(self) -> None:
        """Remove what was written; an earlier target stays."""
        with contextlib.suppress(OSError):
            self.path.unlink(missing_ok=True)


@contextlib.contextmanager
def atomic_directory(
    path: str | os.PathLike[str],
    force: bool = False,
    is_earlier: Callable[[Path], bool] | None = None,
) -> Iterator[Path]:
    """Give a temporary folder beside ``path``, renamed to it when the block ends without error.

    What killed processes left of earlier ones is cleared away.

    Args:
        path: The folder to make. Its parent is made if it is missing.
        force: Replace an earlier folder; it is exchanged last, in one step where the system can.
        is_earlier: What may be replaced; see :func:`refuse_existing`.

    Yields:
        The temporary folder, empty.

    Raises:
        OutputError: ``path`` exists without ``force``, or it cannot be written. An earlier folder
            is unchanged then, and the temporary one is removed.
    """
    target = Path(path)
    refuse_existing(target, force, is_earlier)
    with output_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        clear_leftovers(target)
        temporary = temporary_beside(target)
        temporary.mkdir()
        try:
            yield temporary
            for folder, _, names in os.walk(temporary):
                for name in names:
                    _sync(Path(folder) / name)
                _sync(Path(folder))
            _put_in_place(temporary, target)
        except BaseException:
            remove_tree(temporary)
            raise
        _sync(target.parent)


def _put_in_place(temporary: Path, target: Path) -> None:
    """Rename a finished folder to its target and remove what was there before."""
    if not os.path.lexists(target):
        temporary.rename(target)
        return
    if _exchange(temporary, target):
        previous = temporary
    else:
        # Without an atomic exchange there is an instant without a target, but nothing is lost.
        previous = temporary_beside(target)
        target.rename(previous)
        temporary.rename(target)
    if previous.is_dir() and not previous.is_symlink():
        remove_tree(previous)
    else:
        previous.unlink(missing_ok=True)


def _exchange(first: Path, second: Path) -> bool:
    """Exchange two names atomically (Linux renameat2); False where the system cannot."""
    try:
        renameat2 = ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, AttributeError):
        return False
    arguments = (_AT_FDCWD, os.fsencode(first), _AT_FDCWD, os.fsencode(second), _RENAME_EXCHANGE)
    return bool(renameat2(*arguments) == 0)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def output_errors(target: str | os.PathLike[str]) -> Iterator[None]:
    """Turn a refused or failed write within the block into one sentence that names ``target``.

    Raises:
        OutputError: The disk is full, the place is read-only or not permitted, or a file is where
            a folder should be. Any other error passes unchanged.
    """
    try:
        yield
    except OSError as error:
        name = None if error.filename is None else Path(str(error.filename))
        places = (Path(target), *Path(target).parents)
        ours = name is not None and (name.name.startswith(".") or name in places)
        if name is None or ours:
            error.filename = str(target)
        if isinstance(error, FileExistsError | NotADirectoryError):
            raise OutputError(
                f"{error.filename} is in the way and is not a folder; choose another place for "
                f"{target}."
            ) from error
        translated = os_error(error)
        if translated is None and ours:
            translated = OutputError(
                f"{target} cannot be written ({error.strerror}); choose another place."
            )
        if translated is None:
            raise
        raise translated from error
