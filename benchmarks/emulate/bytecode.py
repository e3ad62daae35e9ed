"""A userland whose Python has compiled what measured processes import.

A module that one run compiles and the next one loads leaves another heap behind, and so another
count. So bytecode is stored once, here, and never by a process that is measured.
"""

from __future__ import annotations

from pathlib import Path

from benchmarks.emulate.cache import cached_folder
from benchmarks.emulate.device_sets import DeviceSet
from benchmarks.emulate.emulator import run_python
from benchmarks.emulate.processors import PROCESSORS
from benchmarks.emulate.userland import Userland, build_userland

__all__ = ["ready_userland"]

# What a measured process imports beyond this project. A device set has some of the engines.
_IMPORTED = (
    "ai_edge_litert.interpreter",
    "click",
    "cv2",
    "dataclasses",
    "json",
    "numpy",
    "onnxruntime",
    "PIL.Image",
    "platform",
    "tflite_runtime.interpreter",
    "zipfile",
)
_IMPORT = """
import contextlib, importlib, sys
for name in sys.argv[1:]:
    with contextlib.suppress(ImportError):
        importlib.import_module(name)
"""


def ready_userland(device_set: DeviceSet, cache: Path) -> Userland:
    """Return a device set's userland with its bytecode, built in the cache if it is not there.

    Raises:
        DependencyError: Debian's archive or the package index did not give what is needed.
        OutputError: The cache cannot be written.
    """
    userland = build_userland(device_set, cache)

    def compile_imports(_: Path) -> None:
        for processor in PROCESSORS.values():
            run_python(userland, processor, ["-c", _IMPORT, *_IMPORTED], keeps_bytecode=True)

    cached_folder(
        cache,
        f"bytecode-{device_set.name}",
        [userland.folder.name, userland.site.name, _IMPORTED],
        compile_imports,
    )
    return userland
