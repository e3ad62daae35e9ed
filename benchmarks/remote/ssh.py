"""Carrying the work to a board and the report back, over one connection of the OpenSSH client."""

from __future__ import annotations

import io
import shlex
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.exchange import error_class, hand_over
from benchmarks.remote.wheel import WHEEL_NAME, slim_wheel
from edge_runtime.bundle import Bundle, reference_path
from edge_runtime.errors import EXIT_CODES, DependencyError, SaliedgeError, UsageError

__all__ = ["RemoteAnswer", "RemoteHost", "run_remote"]

_SSH_FAILED, _TOO_OLD, _NOT_FOUND = 255, 66, 127
_SCRIPT = """\
set -e
place=$(mktemp -d "${TMPDIR:-/tmp}/saliedge-bench.XXXXXX")
trap 'rm -rf "$place"' EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
head -c @SIZE@ | tar -xf - -C "$place"
python=@PYTHON@
case "$python" in "~/"*) python=$HOME/${python#??} ;; esac
command -v "$python" >/dev/null || exit 127
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || exit 66
"$python" -m zipfile -e "$place"/@WHEEL@ "$place/package"
exec 3<&0
PYTHONPATH="$place/package" PYTHONSAFEPATH=1 PYTHONDONTWRITEBYTECODE=1 \\
    "$python" -m benchmarks @ARGUMENTS@ </dev/null &
run=$!
# A word of this shell to an end that has gone would kill it before it has cleaned up.
exec >/dev/null 2>&1
# The other end keeps its side open as long as it waits. If it goes, nobody wants the report.
(cat <&3; kill "$run") &
watch=$!
code=0
wait "$run" || code=$?
kill "$watch" || true
exit "$code"
"""
"""Runs in the board's ``sh``. One connection, so that a password is asked for once."""


@dataclass(frozen=True)
class RemoteHost:
    """A board that the OpenSSH client reaches.

    Attributes:
        address: ``user@board``, or a name of the client's configuration.
        config: A configuration file for the client; None for the user's own.
        python: Python on the board with numpy, OpenCV, Pillow, click and an engine.
    """

    address: str
    config: Path | None = None
    python: str = "python3"

    def __post_init__(self) -> None:
        if not self.address or self.address.startswith("-"):
            raise UsageError(f"{self.address!r} is no host; write --host user@board.")


@dataclass(frozen=True)
class RemoteAnswer:
    """What came back.

    Attributes:
        data: What the command printed.
        failure: The error that it ended with, for this end to end with, too; None without.
    """

    data: bytes
    failure: SaliedgeError | None

    def require(self) -> bytes:
        """Return the data; the failure is raised if there is one."""
        if self.failure is not None:
            raise self.failure
        return self.data


def run_remote(
    host: RemoteHost, bundles: Sequence[Bundle], before: Sequence[str], after: Sequence[str]
) -> RemoteAnswer:
    """Run ``bench BEFORE... BUNDLE AFTER...`` on a board and wait for it.

    The bundles, the float references beside them and the slim package are copied into a temporary
    folder there, which is removed at the end, also if this process is interrupted.

    Args:
        host: The board.
        bundles: The bundles; no two have the same file name.
        before: Arguments in front of each bundle's path.
        after: Arguments behind all of them.

    Raises:
        DependencyError: The board cannot be reached, or lacks what it needs.
    """
    if shutil.which("ssh") is None:
        raise DependencyError("--host needs the OpenSSH client: apt install openssh-client.")
    cargo = _cargo(bundles)
    words = []
    for bundle in bundles:
        there = '"$place"/' + shlex.quote(bundle.path.resolve().name)
        words += [*map(shlex.quote, before), there]
    words += map(shlex.quote, after)
    script = (
        _SCRIPT.replace("@SIZE@", str(len(cargo)))
        .replace("@PYTHON@", shlex.quote(host.python))
        .replace("@WHEEL@", shlex.quote(WHEEL_NAME))
        .replace("@ARGUMENTS@", " ".join(words))
    )
    options = [] if host.config is None else ["-F", str(host.config)]
    command = ["ssh", *options, "-T", "--", host.address, f"exec sh -c {shlex.quote(script)}"]
    with tempfile.TemporaryFile() as errors:
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors
        ) as process:
            assert process.stdin is not None and process.stdout is not None
            try:
                hand_over(process.stdin, cargo)
                data = process.stdout.read()
                process.wait()
            except BaseException:
                process.kill()
                raise
        errors.seek(0)
        said = errors.read().decode(errors="replace").strip()
    return RemoteAnswer(data, _failure(host, process.returncode, said))


def _cargo(bundles: Sequence[Bundle]) -> bytes:
    """Return a tar archive of the bundles, their float references and the slim package."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for path in (bundle.path.resolve() for bundle in bundles):
            archive.add(path, path.name, filter=_nobody)
            reference = reference_path(path)
            if reference.is_dir():
                archive.add(reference, reference.name, filter=_nobody)
        wheel = slim_wheel()
        member = tarfile.TarInfo(WHEEL_NAME)
        member.size = len(wheel)
        archive.addfile(member, io.BytesIO(wheel))
    return buffer.getvalue()


def _nobody(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Whose files these are here is no business of the board."""
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member


def _failure(host: RemoteHost, code: int, said: str) -> SaliedgeError | None:
    """Make one sentence of how the command ended there."""
    last = (said.splitlines() or ["it said nothing"])[-1][:300]
    if code == 0:
        return None
    if code == _SSH_FAILED:
        return DependencyError(
            f"{host.address} cannot be reached ({last}); try: ssh {host.address} true."
        )
    if code in (_NOT_FOUND, _TOO_OLD):
        lacks = "is not there" if code == _NOT_FOUND else "is older than 3.11"
        return DependencyError(
            f"{host.python} {lacks} on {host.address}; name a Python with --remote-python."
        )
    if "ModuleNotFoundError" in last:
        return DependencyError(
            f"{host.python} on {host.address} lacks a package ({last}); there: python3 -m venv "
            "bench && bench/bin/pip install 'saliedge[litert]', then --remote-python "
            "bench/bin/python."
        )
    sentence = f"on {host.address}: {last.removeprefix('Error: ')}"
    if code in EXIT_CODES and code > 1:
        return error_class(code)(sentence)
    return SaliedgeError(f"{sentence} (exit code {code})")
