"""Instructions of the contestants on a Cortex-A72 and A76, by the counter of ``bench emulate``."""

from __future__ import annotations

import json
import shutil
import statistics
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.emulate.bytecode import ready_userland
from benchmarks.emulate.cache import cache_root
from benchmarks.emulate.counter import build_counter, read_counts
from benchmarks.emulate.device_sets import default_device_set
from benchmarks.emulate.emulator import run_python
from benchmarks.emulate.measure import copy_packages
from benchmarks.emulate.processors import PROCESSORS, Processor
from benchmarks.emulate.tools import require_tools
from benchmarks.emulate.userland import Userland
from benchmarks.peers.pairs import Entrant
from benchmarks.peers.process import Task, load_images, save_images
from edge_runtime.errors import SaliedgeError

__all__ = ["count_instructions"]

_WARM_UP, _COUNTED = 2, 3
_HERE = Path(__file__).parent
_NEEDED = ("__init__.py", "minimal_loop.py", "openers.py", "process.py")


def count_instructions(
    entrants: Sequence[Entrant],
    processors: Sequence[str] = tuple(PROCESSORS),
    tell: Callable[[str], None] = lambda line: None,
) -> dict[str, dict[str, int]]:
    """Count one classification of each entrant that the device's packages can run.

    Args:
        entrants: Who takes part; the others are left out.
        processors: Keys of ``PROCESSORS``.
        tell: Told what is counted.

    Returns:
        Processor to name to instructions, with one thread; the same digits in every run.

    Raises:
        DependencyError: A program is missing, or packages could not be fetched.
        SaliedgeError: A process failed.
    """
    require_tools()
    cache = cache_root()
    userland = ready_userland(default_device_set("onnx"), cache)
    counter = build_counter(cache)
    counts: dict[str, dict[str, int]] = {}
    with tempfile.TemporaryDirectory(prefix="saliedge-peers-") as name:
        place = Path(name)
        copy_packages(place / "packages")
        (place / "packages/benchmarks/peers").mkdir()
        for file in _NEEDED:
            shutil.copy(_HERE / file, place / "packages/benchmarks/peers")
        for processor in processors:
            counts[processor] = {}
            for entrant in entrants:
                if entrant.contestant.in_emulation:
                    tell(f"counting {entrant.contestant.name} on {processor}")
                    counts[processor][entrant.contestant.name] = _count(
                        entrant, userland, PROCESSORS[processor], counter, place
                    )
    return counts


def _count(
    entrant: Entrant, userland: Userland, processor: Processor, counter: Path, place: Path
) -> int:
    save_images(place / "image.npz", load_images(str(entrant.images))[:1])
    task = Task(entrant.contestant.opener, str(entrant.path.resolve()), 1, str(place / "image.npz"))
    lines = [task.to_json(), json.dumps({"time": _WARM_UP}), json.dumps({"count": _COUNTED})]
    ended = run_python(
        userland,
        processor,
        ["-P", "-m", "benchmarks.peers.process"],
        packages=[place / "packages"],
        counter=(counter, place / "counts"),
        standard_input="\n".join([*lines, ""]).encode(),
    )
    try:
        found = read_counts(place / "counts")
        if ended.returncode or len(found) != _COUNTED:
            raise ValueError(f"{len(found)} counts, exit code {ended.returncode}")
    except (OSError, ValueError) as error:
        said = ended.stderr.decode(errors="replace").strip().splitlines()
        raise SaliedgeError(
            f"{entrant.contestant.name} cannot be counted on {processor.name} ({error}; "
            f"{said[-1][:200] if said else 'it said nothing'})."
        ) from error
    return statistics.median_low(found)
