"""Errors a user can cause, the one table of exit codes, and the way every command ends.

An error is one sentence: what is wrong, where, and what to do about it. The command line prints
it without a traceback and exits with the code of its class. Anything else that is raised is a bug
and keeps its traceback.
"""

from __future__ import annotations

import errno
import signal
import sys
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

    import click

__all__ = [
    "EXIT_CODES",
    "ArtifactError",
    "DataError",
    "DependencyError",
    "GateError",
    "IncompleteError",
    "OutputError",
    "SaliedgeError",
    "SignatureError",
    "SourceError",
    "Terminated",
    "UsageError",
    "exit_code_table",
    "reason_of",
    "run_command",
]

INTERRUPTED = 130
TERMINATED = 143

EXIT_CODES: dict[int, str] = {
    0: "success",
    1: "internal error (a bug; the traceback is printed)",
    2: "wrong usage of a command or option",
    3: "data: an image, label or CSV file cannot be used",
    4: "artifact: a bundle, run or checkpoint is missing, damaged or of another version",
    5: "dependency: an extra or engine is not installed or not usable here",
    6: "source: a camera, video or stream cannot be opened or read",
    7: "output: it exists already (see --force), is read-only, or the disk is full",
    8: "gate: a check of the export, the verification, the doctor or the demo failed",
    9: "signature: a bundle is not signed by a trusted key, or a key cannot be used",
    10: "incomplete: parts of the work failed; what was finished is kept",
    INTERRUPTED: "interrupted by Ctrl-C",
    TERMINATED: "ended by SIGTERM",
}
"""Exit code of every command of this project -> its meaning."""


class SaliedgeError(Exception):
    """Base of every error that a user can cause; ``str()`` is the one sentence to show."""

    exit_code = 1


class UsageError(SaliedgeError):
    """A name or option value that does not exist (an engine, a class, a camera specification)."""

    exit_code = 2


class DataError(SaliedgeError):
    """An image, label or CSV file cannot be used."""

    exit_code = 3


class ArtifactError(SaliedgeError):
    """A bundle, run or checkpoint is missing, damaged or of another version."""

    exit_code = 4


class DependencyError(SaliedgeError):
    """An extra or an engine is not installed, or does not work on this machine."""

    exit_code = 5


class SourceError(SaliedgeError):
    """A camera, video or stream cannot be opened or read."""

    exit_code = 6


class OutputError(SaliedgeError):
    """An output exists without ``--force``, is read-only, or the disk is full."""

    exit_code = 7


class GateError(SaliedgeError):
    """A check of an export, a verification or the demo failed."""

    exit_code = 8


class SignatureError(SaliedgeError):
    """A bundle is not signed, not by a trusted key, or was altered; or a key cannot be used."""

    exit_code = 9


class IncompleteError(SaliedgeError):
    """Parts of the work failed, such as trials of a sweep; the others are finished and kept."""

    exit_code = 10


class Terminated(BaseException):
    """SIGTERM arrived. Not an ``Exception``, so that clean-up code runs and nothing swallows it."""


_EXTRA_OF_MODULE = {
    "cryptography": "sign",
    "torch": "train",
    "torchvision": "train",
    "timm": "train",
    "safetensors": "train",
    "rich": "train",
    "tensorboard": "train",
    "ray": "ray",
    "statsmodels": "reader-study",
    "flatbuffers": "export",
    "onnx": "export",
    "paho": "mqtt",
    "onnxruntime": "onnx",
    "ai_edge_litert": "litert",
    "tflite_runtime": "tflite-runtime",
    "starlette": "web",
    "uvicorn": "web",
}
_OUTPUT_ERRNOS = {
    errno.ENOSPC: "the disk is full; free some space and run the command again",
    errno.EDQUOT: "the disk quota is used up; free some space and run the command again",
    errno.EFBIG: "the file is too large for its disk; choose another place for the output",
    errno.EIO: "the disk reports an error; choose another place for the output",
    errno.ENAMETOOLONG: "the name is too long for its disk; choose a shorter one",
    errno.EROFS: "the file system is read-only; choose another place for the output",
    errno.EACCES: "permission denied; choose another place or correct its permissions",
    errno.EPERM: "permission denied; choose another place or correct its permissions",
}


def exit_code_table() -> str:
    """Return the exit codes as text for ``--help``, one per line."""
    return "\n".join(f"{code:>5}  {meaning}" for code, meaning in EXIT_CODES.items())


def missing_module_error(error: ModuleNotFoundError) -> DependencyError | None:
    """Turn the failed import of an optional package into a sentence naming its extra.

    Returns:
        The error to raise, or None if the module belongs to no extra (then it is a bug).
    """
    module = (error.name or "").partition(".")[0]
    extra = _EXTRA_OF_MODULE.get(module)
    if extra is None:
        return None
    return DependencyError(
        f"This command needs the Python package {module!r}, which is not installed: "
        f"pip install 'saliedge[{extra}]'."
    )


def os_error(error: OSError) -> OutputError | None:
    """Turn a full disk or a refused write into a sentence; None for any other ``OSError``."""
    reason = _OUTPUT_ERRNOS.get(error.errno or 0)
    if reason is None:
        return None
    where = f"{error.filename}: " if error.filename else ""
    return OutputError(f"{where}{reason}.")


def reason_of(error: Exception) -> str:
    """What went wrong, without the system's number of it and the name that the sentence has."""
    reason = getattr(error, "strerror", None)
    return reason if isinstance(reason, str) else str(error)


def run_command(
    command: click.Command, arguments: Sequence[str] | None = None, name: str | None = None
) -> NoReturn:
    """Run a click command as a process: every entry point of the project ends through here.

    Args:
        command: The click command or group.
        arguments: Arguments after the program's name; ``sys.argv[1:]`` if None.
        name: Program name for usage messages; taken from ``sys.argv[0]`` if None.

    Raises:
        SystemExit: Always, with a code of :data:`EXIT_CODES`. An unexpected exception is let
            through instead, so that its traceback is printed (exit code 1).
    """
    import click

    previous = signal.signal(signal.SIGTERM, _raise_terminated)
    try:
        result = command.main(args=arguments, prog_name=name, standalone_mode=False)
    except click.ClickException as error:
        told = _with_its_place(error) if isinstance(error, click.NoSuchOption) else error
        told.show()
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        _fail("Interrupted.", INTERRUPTED)
    except Terminated:
        _fail("Ended by SIGTERM.", TERMINATED)
    except SaliedgeError as error:
        _fail(f"Error: {error}", error.exit_code)
    except (ModuleNotFoundError, OSError) as error:
        translated = (
            missing_module_error(error)
            if isinstance(error, ModuleNotFoundError)
            else os_error(error)
        )
        if translated is None:
            raise
        _fail(f"Error: {translated}", translated.exit_code)
    finally:
        signal.signal(signal.SIGTERM, previous)
    sys.exit(result if isinstance(result, int) else 0)


def _with_its_place(error: click.NoSuchOption) -> click.NoSuchOption:
    """Say where an option belongs that a command above has."""
    import click

    context, name = error.ctx, error.option_name
    while context is not None and context.parent is not None:
        above = context.parent
        if any(name in one.opts for one in above.command.params):
            place = f"{above.command_path} {name} ... {context.info_name}"
            message = f"{error.message} It stands before {context.info_name!r}: {place}"
            return click.NoSuchOption(name, message, ctx=error.ctx)
        context = above
    return error


def _raise_terminated(_signal: int, _frame: FrameType | None) -> None:
    raise Terminated


def _fail(sentence: str, code: int) -> NoReturn:
    from edge_runtime.messages import say

    say(sentence, "error")
    sys.exit(code)
