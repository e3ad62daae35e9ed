"""The plugin of qemu that counts instructions: compiled on demand, and its file of counts."""

from __future__ import annotations

from pathlib import Path

from benchmarks.emulate.cache import cached_folder
from benchmarks.emulate.tools import run_tool

__all__ = ["build_counter", "read_counts"]

_SOURCE = Path(__file__).with_name("counter.c")
_FLAGS = (
    "-std=c11",
    "-O2",
    "-Wall",
    "-Wextra",
    "-Werror",
    "-shared",
    "-fPIC",
    "-fvisibility=hidden",
)


def build_counter(cache: Path) -> Path:
    """Return the plugin, compiled in the cache if it is not there.

    Raises:
        DependencyError: The compiler failed.
        OutputError: The cache cannot be written.
    """
    source = _SOURCE.read_text(encoding="utf-8")

    def compile_into(folder: Path) -> None:
        run_tool(
            ["cc", *_FLAGS, "-o", folder / "counter.so", _SOURCE], "compile the plugin of qemu"
        )

    return cached_folder(cache, "counter", [source, _FLAGS], compile_into) / "counter.so"


def read_counts(path: Path) -> tuple[int, ...]:
    """Return the instructions between each pair of markers.

    Args:
        path: What the plugin wrote: a processor and its count at every marker.

    Raises:
        ValueError: A marker lacks its partner, or a pair was set by two threads.
    """
    marks = [tuple(map(int, line.split())) for line in path.read_text().splitlines()]
    if len(marks) % 2:
        raise ValueError(f"{len(marks)} markers are no pairs")
    counts = []
    for (first, begin), (second, end) in zip(marks[::2], marks[1::2], strict=True):
        if first != second:
            raise ValueError("a pair of markers was set by two threads")
        counts.append(end - begin)
    return tuple(counts)
