"""The software: Python, the packages that a run imports, and the engines.

Each package is imported in a process of its own: a wheel for another processor kills the process
that imports it, which is a finding and no crash.
"""

from __future__ import annotations

import sys

from edge_runtime import __version__
from edge_runtime.doctor.finding import Finding
from edge_runtime.doctor.system import System
from edge_runtime.engines.registry import ENGINES
from edge_runtime.errors import DependencyError
from edge_runtime.messages import signal_name
from edge_runtime.plugins import EXTENSION_POINTS, find_plugin, installed_plugins

__all__ = ["engines", "packages", "plugins", "python"]

_PACKAGES = {"numpy": "numpy", "cv2": "opencv-python-headless", "PIL": "pillow", "click": "click"}
_IMPORT_SECONDS = 60.0  # from a slow card, for the first time
_PROBE = """
import importlib, sys
from importlib.metadata import PackageNotFoundError, version
module = importlib.import_module(sys.argv[1])
try:
    print(version(sys.argv[2]))
except PackageNotFoundError:
    print(getattr(module, "__version__", "unknown version"))
"""
_ENGINE_MODULES = {
    "onnx": ("onnxruntime", "onnxruntime"),
    "litert": ("ai_edge_litert.interpreter", "ai-edge-litert"),
    "tflite-runtime": ("tflite_runtime.interpreter", "tflite-runtime"),
}


def python(system: System) -> list[Finding]:
    """The versions of saliedge and Python."""
    found = ".".join(str(part) for part in sys.version_info[:3])
    return [Finding("saliedge", "ok", f"{__version__} on Python {found}")]


def packages(system: System) -> list[Finding]:
    """The packages that every run imports."""
    findings = []
    for module, distribution in _PACKAGES.items():
        text, works = probe_import(system, module, distribution)
        remedy = f"pip install --force-reinstall {distribution}"
        findings.append(
            Finding(distribution, "ok", text) if works
            else Finding(distribution, "problem", text, remedy)
        )  # fmt: skip
    return findings


def engines(system: System) -> list[Finding]:
    """The inference engines, of which one has to work."""
    findings = []
    any_works = False
    for name, entry in ENGINES.items():
        text, works = probe_import(system, *_ENGINE_MODULES[name])
        any_works |= works
        remedy = f"pip install --force-reinstall 'saliedge[{entry.extra}]'"
        if works:
            findings.append(Finding(f"engine {name}", "ok", text))
        elif text == _MISSING:
            remedy = f"pip install 'saliedge[{entry.extra}]' if you want it"
            findings.append(Finding(f"engine {name}", "note", text, remedy))
        else:
            findings.append(Finding(f"engine {name}", "warning", text, remedy))
    if not any_works:
        remedy = "pip install 'saliedge[litert]' or 'saliedge[onnx]'"
        findings.append(Finding("engines", "problem", "no engine works here", remedy))
    return findings


def plugins(system: System) -> list[Finding]:
    """What other installed packages add, none of which is imported; nothing if there are none."""
    findings = []
    for point in EXTENSION_POINTS:
        for plugin in installed_plugins(point):
            name = f"{point.noun} {plugin.name}"
            try:
                find_plugin(point, plugin.name)
            except DependencyError as error:
                findings.append(Finding(name, "warning", str(error), "uninstall one of them"))
            else:
                findings.append(Finding(name, "ok", f"a plug-in of {plugin.package}"))
    return findings


_MISSING = "not installed"


def probe_import(system: System, module: str, distribution: str) -> tuple[str, bool]:
    """Import a module in a child process.

    Returns:
        Its version, or what happened; and whether it could be imported.
    """
    command = [sys.executable, "-P", "-c", _PROBE, module, distribution]
    ended = system.run(command, _IMPORT_SECONDS, ORT_DISABLE_TELEMETRY="1")
    if ended is None:
        return "its import does not end", False
    code, out, err = ended
    if code == 0:
        return (out.splitlines() or ["unknown version"])[-1], True
    if code < 0:
        return f"its import crashes ({signal_name(-code)})", False
    last = (err.splitlines() or ["no message"])[-1]
    top = module.partition(".")[0]
    if last == f"ModuleNotFoundError: No module named '{top}'":
        return _MISSING, False
    return f"its import fails: {last[:200]}", False
