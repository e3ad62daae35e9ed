"""The conditions of a measurement: what must be alike before two reports can be compared.

Probing never raises: what cannot be read is absent with the reason. Nothing that tells who or
where the machine is (host name, user, paths, serial numbers) is read.
"""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from benchmarks.absent import Absent, to_json
from edge_runtime import __version__

__all__ = ["RELEVANT_FLAGS", "conditions", "cpu_flags", "cpu_model"]

RELEVANT_FLAGS = (
    "sse4_1", "ssse3", "avx", "avx2", "fma", "f16c", "avx512f", "avx512bw", "avx512_vnni",
    "avx_vnni", "avx_vnni_int8", "amx_tile", "amx_int8", "hypervisor",
    "asimd", "asimdhp", "asimddp", "fphp", "i8mm", "bf16", "sve", "sve2", "neon",
)  # fmt: skip
"""Processor features that decide which INT8 kernels an engine takes (asimddp is Arm's int8 dot
product), and ``hypervisor``, which says that the processor is shared."""

_ROOT = Path("/")


def conditions(root: Path = _ROOT) -> dict[str, Any]:
    """Return the conditions as they are before the measurement, as a JSON object.

    The engines' versions are not among them: the measuring processes report those.

    Args:
        root: Where ``/proc``, ``/sys`` and ``/etc`` are.
    """
    cpu = root / "sys/devices/system/cpu/cpu0/cpufreq"
    return {
        "machine": {
            "architecture": platform.machine(),
            "board": to_json(_text(root / "sys/firmware/devicetree/base/model")),
            "cpu_model": to_json(cpu_model(root / "proc/cpuinfo")),
            "cpu_flags": to_json(cpu_flags(root / "proc/cpuinfo")),
            "processors": os.cpu_count(),
            "processors_usable": len(os.sched_getaffinity(0)),
            "memory_bytes": to_json(_total_memory(root / "proc/meminfo")),
            "governor": to_json(_text(cpu / "scaling_governor")),
            "max_frequency_khz": to_json(_number(cpu / "scaling_max_freq")),
            "load_average": to_json(_load_average(root / "proc/loadavg")),
        },
        "software": {
            "saliedge": __version__,
            "python": platform.python_version(),
            "kernel": f"{platform.system()} {platform.release()}",
            "distribution": to_json(_distribution(root / "etc/os-release")),
            "libc": " ".join(platform.libc_ver()).strip() or "unknown",
            "numpy": to_json(_package("numpy")),
            "opencv": to_json(_package("opencv-python-headless", "opencv-python")),
        },
    }


def cpu_model(cpuinfo: Path) -> str | Absent:
    """Return the processor's name; on Arm, which has none, its part numbers."""
    fields = _cpuinfo(cpuinfo)
    if isinstance(fields, Absent):
        return fields
    for name in ("model name", "Hardware"):
        if fields.get(name):
            return fields[name]
    if "CPU part" in fields:
        implementer = fields.get("CPU implementer", "unknown")
        return f"Arm implementer {implementer}, part {fields['CPU part']}"
    return Absent(f"{cpuinfo.name} names no processor")


def cpu_flags(cpuinfo: Path) -> list[str] | Absent:
    """Return those of :data:`RELEVANT_FLAGS` that the processor has."""
    fields = _cpuinfo(cpuinfo)
    if isinstance(fields, Absent):
        return fields
    listed = fields.get("flags") or fields.get("Features")
    if listed is None:
        return Absent(f"{cpuinfo.name} lists no processor features")
    present = set(listed.split())
    return [flag for flag in RELEVANT_FLAGS if flag in present]


def _cpuinfo(path: Path) -> dict[str, str] | Absent:
    """Return the fields of the first processor that has them."""
    text = _text(path)
    if isinstance(text, Absent):
        return text
    fields: dict[str, str] = {}
    for line in text.splitlines():
        name, colon, value = line.partition(":")
        if colon:
            fields.setdefault(name.strip(), value.strip())
    return fields


def _total_memory(meminfo: Path) -> int | Absent:
    text = _text(meminfo)
    if isinstance(text, Absent):
        return text
    for line in text.splitlines():
        name, _, value = line.partition(":")
        number = value.strip().partition(" ")[0]
        if name == "MemTotal" and number.isdigit():
            return int(number) * 1024
    return Absent(f"{meminfo.name} has no field MemTotal")


def _load_average(loadavg: Path) -> float | Absent:
    """Return the load of the last minute: what else the machine did."""
    text = _text(loadavg)
    if isinstance(text, Absent):
        return text
    try:
        return float(text.split()[0])
    except (IndexError, ValueError):
        return Absent(f"{loadavg.name} holds no number")


def _distribution(os_release: Path) -> str | Absent:
    text = _text(os_release)
    if isinstance(text, Absent):
        return text
    for line in text.splitlines():
        name, _, value = line.partition("=")
        if name == "PRETTY_NAME":
            return value.strip("\"'")
    return Absent(f"{os_release.name} has no PRETTY_NAME")


def _package(*names: str) -> str | Absent:
    """Return the version of the first of these distributions that is installed."""
    for name in names:
        try:
            return version(name)
        except PackageNotFoundError:
            continue
    return Absent("not installed as a Python distribution")


def _number(path: Path) -> int | Absent:
    text = _text(path)
    if isinstance(text, Absent):
        return text
    return int(text) if text.isdigit() else Absent(f"{path.name} holds no number")


def _text(path: Path) -> str | Absent:
    try:
        return path.read_text(errors="replace").strip("\0\n ")
    except OSError as error:
        return Absent(f"{path.name} cannot be read here ({error.strerror})")
