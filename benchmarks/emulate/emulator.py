"""Running Python on an emulated processor, its instructions counted if that is asked for."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

from benchmarks.emulate.processors import Processor
from benchmarks.emulate.tools import run_tool
from benchmarks.emulate.userland import Userland

__all__ = ["emulator_version", "run_python"]

_EMULATOR = "qemu-aarch64"


def run_python(
    userland: Userland,
    processor: Processor,
    arguments: Sequence[str | Path],
    packages: Sequence[Path] = (),
    counter: tuple[Path, Path] | None = None,
    standard_input: bytes = b"",
    keeps_bytecode: bool = False,
) -> subprocess.CompletedProcess[bytes]:
    """Run the Python of a userland and wait for it.

    Files are found at their usual paths, unless the userland has one of that name. The environment
    is empty but for what is needed, so that the same instructions run everywhere.

    Args:
        userland: Whose Python and wheels.
        processor: On which.
        arguments: Python's arguments.
        packages: Folders with packages that come before the userland's wheels.
        counter: The counting plugin and the file that it writes.
        standard_input: What the program reads.
        keeps_bytecode: Let Python store what it compiles, see :mod:`benchmarks.emulate.bytecode`.

    Returns:
        The process, whatever its exit code, with what it printed.
    """
    command: list[str | Path] = [_EMULATOR, "-L", userland.view(processor), "-cpu", processor.name]
    if counter is not None:
        plugin, counts = (str(path).replace(",", ",,") for path in counter)
        command += ["-plugin", f"file={plugin},out={counts}"]
    environment = {
        "HOME": "/nonexistent",
        "LANG": "C.UTF-8",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "ORT_DISABLE_TELEMETRY": "1",
        "PATH": "/usr/bin",
        "PYTHONHASHSEED": "0",
        "PYTHONHOME": "/usr",
        "PYTHONNOUSERSITE": "1",
        "PYTHONPATH": ":".join(str(place) for place in (*packages, userland.site)),
    }
    if not keeps_bytecode:
        environment["PYTHONDONTWRITEBYTECODE"] = "1"
    return subprocess.run(
        [*map(str, command), str(userland.interpreter(processor)), *map(str, arguments)],
        input=standard_input,
        capture_output=True,
        env=environment,
        check=False,
    )


def emulator_version() -> str:
    """Return what qemu says about itself, e.g. ``qemu-aarch64 version 7.2.22 (Debian ...)``."""
    return run_tool([_EMULATOR, "--version"], "tell its version").splitlines()[0]
