"""How much space the software takes on the device's disk."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import benchmarks
import edge_runtime
from benchmarks.absent import Absent
from edge_runtime import plugins
from edge_runtime.bundle import Bundle
from edge_runtime.engines import ENGINES

__all__ = ["installed_bytes"]

_ALWAYS = ("numpy", "opencv-python-headless", "pillow", "click")
_LEFT_OUT = {"peers", "results", "studies"}  # of a checkout; a device has none


def installed_bytes(bundles: Sequence[Bundle], engines: tuple[str, ...]) -> dict[str, int | Absent]:
    """Return the bytes of the bundles, of saliedge, and of each distribution that it needs here.

    Args:
        bundles: The bundles; one alone is called ``bundle``, of several each has its file name.
        engines: Names of the engines that were measured.
    """
    packages = [_distribution_of(name) for name in engines]
    found: dict[str, int | Absent] = {
        **{
            "bundle" if len(bundles) == 1 else bundle.path.resolve().name: sum(
                record.bytes for record in bundle.spec.files.values()
            )
            for bundle in bundles
        },
        "saliedge": sum(_folder_bytes(Path(str(package.__file__)).parent)
                        for package in (edge_runtime, benchmarks)),
    }  # fmt: skip
    return found | {name: _distribution_bytes(name) for name in (*_ALWAYS, *packages)}


def _distribution_of(engine: str) -> str:
    """Name of the distribution that an engine comes with: of its maker, or the plug-in's."""
    if engine in ENGINES:
        return ENGINES[engine].package.replace("_", "-")
    plugin = plugins.find_plugin(plugins.ENGINES, engine)
    found = None if plugin is None else plugin.entry_point.dist
    return engine if found is None else found.name


def _folder_bytes(folder: Path) -> int:
    return sum(
        path.stat().st_size
        for path in folder.rglob("*")
        if path.is_file() and not _LEFT_OUT & set(path.relative_to(folder).parts)
    )


def _distribution_bytes(name: str) -> int | Absent:
    """Of what its installer recorded; the byte code that Python adds is among it with pip."""
    try:
        files = distribution(name).files
    except PackageNotFoundError:
        return Absent("not installed as a Python distribution")
    if not files:
        return Absent("its installer recorded no files")
    places = [Path(str(file.locate())) for file in files]
    return sum(place.stat().st_size for place in places if place.is_file())
