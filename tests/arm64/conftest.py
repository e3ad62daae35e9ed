"""Boards without a board: the wheel of this checkout in every device set, on emulated processors.

All that runs there is run once, several processes at a time; the tests look at what came out.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.emulate.bytecode import ready_userland
from benchmarks.emulate.cache import cache_root
from benchmarks.emulate.device_sets import DEVICE_SETS
from benchmarks.emulate.emulator import run_python
from benchmarks.emulate.processors import PROCESSORS
from benchmarks.emulate.tools import DEBIAN_PACKAGES
from benchmarks.emulate.userland import Userland, install_wheels
from edge_runtime.infer import cli as infer_cli
from edge_runtime.synthetic import write_dataset
from tests.requirements import require_program
from tests.wheel import build_wheel

MODES = ("none", "cam", "gradient-early", "gradient")
BOARDS = [
    pytest.param(name, engine, processor, id=f"{name}-{engine}-{processor}")
    for name, device_set in DEVICE_SETS.items()
    for engine in device_set.engines
    for processor in PROCESSORS
]
_PROCESSORS_HERE = len(os.sched_getaffinity(0))

# What a user types, once for each mode, in one process: starting Python is what takes the time.
_SCRIPT = """
import platform, sys
import benchmarks.cli
from edge_runtime import cli, engines
from edge_runtime.infer import cli as infer_cli
print(platform.machine(), *sys.version_info[:2], *engines.installed_engines())
def ended_well(main, *arguments):
    try:
        main(arguments)
    except SystemExit as ending:
        if ending.code:
            raise
bundle, frames, engine, out = sys.argv[1:]
ended_well(cli.main, "verify", bundle, "--engine", engine)
for mode in ("none", "cam", "gradient-early", "gradient"):
    outputs = [] if mode == "none" else ["--save-saliency", f"{out}/{mode}"]
    ended_well(infer_cli.main, "--bundle", bundle, "--source", frames, "--engine", engine,
               "--saliency", mode, "--jsonl", f"{out}/{mode}.jsonl", "--threads", "1", *outputs)
"""


@dataclass(frozen=True)
class Board:
    """A device set with the wheel of this checkout.

    Attributes:
        userland: Debian's Python and the engines' wheels.
        packages: Where the project's wheel is installed.
    """

    userland: Userland
    packages: Path

    def python(self, processor: str, *arguments: str | Path) -> subprocess.CompletedProcess[bytes]:
        """Run the board's Python; what it printed is in the result."""
        return run_python(
            self.userland, PROCESSORS[processor], ["-P", *arguments], packages=[self.packages]
        )


@dataclass(frozen=True)
class Predictions:
    """What edge-infer wrote with one engine: mode -> lines and maps, in the order of the frames."""

    lines: dict[str, list[dict[str, Any]]]
    maps: dict[str, list[np.ndarray]]

    @classmethod
    def read(cls, folder: Path) -> Predictions:
        lines = {
            mode: [json.loads(line) for line in (folder / f"{mode}.jsonl").read_text().splitlines()]
            for mode in MODES
        }
        maps = {
            mode: [np.load(path) for path in sorted((folder / mode).rglob("*.npy"))]
            for mode in MODES[1:]
        }
        return cls(lines, maps)


@pytest.fixture(scope="session", autouse=True)
def programs() -> None:
    for program, package in DEBIAN_PACKAGES.items():
        require_program(program, package)


@pytest.fixture(scope="session")
def frames(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of three synthetic pictures; read-only."""
    folder = tmp_path_factory.mktemp("frames")
    write_dataset(folder, count=3, seed=3, size=96)
    return folder / "images"


@pytest.fixture(scope="session")
def boards(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Board]:
    """Device set -> board."""
    wheel = build_wheel(tmp_path_factory.mktemp("wheel"))
    installed = {}
    for name, device_set in DEVICE_SETS.items():
        packages = tmp_path_factory.mktemp("packages")
        # The wheels it needs are in the cache; this is the project's own alone.
        install_wheels(device_set, [str(wheel)], packages, dependencies=False)
        installed[name] = Board(ready_userland(device_set, cache_root()), packages)
    return installed


@pytest.fixture(scope="session")
def runs(
    boards: dict[str, Board], tiny_bundle: Path, frames: Path, tmp_path_factory
) -> Iterator[dict[tuple[str, str, str], Future[tuple[subprocess.CompletedProcess[bytes], Path]]]]:
    """Device set, engine, processor -> the process that verified and inferred, and its folder."""

    def run(name, engine, processor, out):
        arguments = ("-c", _SCRIPT, tiny_bundle, frames, engine, out)
        return boards[name].python(processor, *arguments), out

    with ThreadPoolExecutor(max_workers=_PROCESSORS_HERE) as pool:
        yield {
            board.values: pool.submit(run, *board.values, tmp_path_factory.mktemp("out"))
            for board in BOARDS
        }
        pool.shutdown(cancel_futures=True)


@pytest.fixture
def predictions(runs):
    """Function that returns what a board wrote: predictions(device_set, engine, processor)."""

    def read(*board: str) -> Predictions:
        ended, out = runs[board].result()
        assert ended.returncode == 0, ended.stderr.decode()
        return Predictions.read(out)

    return read


@pytest.fixture(scope="session")
def predictions_here(tiny_bundle: Path, frames: Path, tmp_path_factory):
    """Engine -> what edge-infer writes on this machine."""
    found = {}
    for engine in ("onnx", "litert"):
        out = tmp_path_factory.mktemp("here")
        for mode in MODES:
            outputs = [] if mode == "none" else ["--save-saliency", str(out / mode)]
            with pytest.raises(SystemExit) as ending:
                infer_cli.main(
                    ["--bundle", str(tiny_bundle), "--source", str(frames), "--engine", engine,
                     "--saliency", mode, "--jsonl", str(out / f"{mode}.jsonl"), "--threads", "1",
                     *outputs]
                )  # fmt: skip
            assert ending.value.code == 0
        found[engine] = Predictions.read(out)
    return found
