"""The machine: board, processor, memory, heat, power and clock."""

from __future__ import annotations

import re
from dataclasses import replace

from edge_runtime.board import THROTTLE_BITS, temperature_celsius, throttled_bits
from edge_runtime.doctor.finding import Finding
from edge_runtime.doctor.system import System, parse_number
from edge_runtime.supported_system import OperatingSystem

__all__ = ["board", "clock", "memory", "power", "processor", "temperature"]

_LEAST_MEMORY_MB = 300
_HOT_CELSIUS = 80
_PRESENT_YEAR = 2025
_PROC = "mount /proc, which every engine needs, too"


def board(system: System) -> list[Finding]:
    """What machine and operating system this is; saliedge needs 64 bits."""
    model = (
        system.read("proc/device-tree/model")
        or system.read("sys/class/dmi/id/product_name")
        or "unknown board"
    )
    release = re.search(
        r'^PRETTY_NAME="?([^"\n]*)', system.read("etc/os-release") or "", re.MULTILINE
    )
    name = release.group(1) if release else "unknown system"
    text = f"{_line(model)}, {_line(name)}, {system.machine}"
    here = OperatingSystem.here()
    reason = replace(here, machine=system.machine).why_unsupported()
    if reason is None:
        return [Finding("board", "ok", text)]
    cause, _, remedy = reason.partition("; ")
    return [Finding("board", "problem", f"{text}: {cause}", remedy)]


def processor(system: System) -> list[Finding]:
    """How many processors, whether they have the INT8 dot product, and how they are clocked."""
    info = system.read("proc/cpuinfo")
    if info is None:
        return [Finding("processor", "note", "/proc/cpuinfo cannot be read", _PROC)]
    count = len(re.findall(r"^processor\s*:", info, re.MULTILINE))
    listed = re.search(r"^(?:Features|flags)\s*:(.*)$", info, re.MULTILINE)
    features = set(listed.group(1).split()) if listed else set()
    has_dot_product = bool(features & {"asimddp", "avx512_vnni", "avx_vnni"})
    findings = [
        Finding("processor", "ok", f"{count} processors with the INT8 dot product")
        if has_dot_product
        else Finding(
            "processor",
            "note",
            f"{count} processors without the INT8 dot product",
            "nothing is wrong; a Cortex-A76 (Raspberry Pi 5) runs INT8 about twice as fast",
        )
    ]
    governor = system.read("sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")
    if governor == "powersave":
        findings.append(
            Finding(
                "clock rate",
                "warning",
                "the processors are held at their lowest frequency",
                "echo ondemand | sudo tee /sys/devices/system/cpu/cpu*/cpufreq/scaling_governor",
            )
        )
    return findings


def memory(system: System) -> list[Finding]:
    """How much memory can be had."""
    info = system.read("proc/meminfo") or ""
    found = {
        match.group(1): parse_number(match.group(2))
        for match in re.finditer(r"^(MemTotal|MemAvailable):(.*)$", info, re.MULTILINE)
    }
    total, available = found.get("MemTotal"), found.get("MemAvailable")
    if total is None or available is None:
        return [Finding("memory", "note", "/proc/meminfo cannot be read", _PROC)]
    text = f"{available / 1024:.0f} of {total / 1024:.0f} MiB can be had"
    if available / 1024 >= _LEAST_MEMORY_MB:
        return [Finding("memory", "ok", text)]
    return [
        Finding(
            "memory",
            "warning",
            text,
            f"end other programs: a run needs about {_LEAST_MEMORY_MB} MiB",
        )
    ]


def temperature(system: System) -> list[Finding]:
    """The hottest of the thermal zones."""
    hottest = temperature_celsius(system.root / "sys/class/thermal")
    if hottest is None:
        remedy = "nothing on a virtual machine; on a board, watch it by other means"
        return [Finding("temperature", "note", "no sensor can be read", remedy)]
    text = f"{hottest:.0f} degrees Celsius"
    if hottest < _HOT_CELSIUS:
        return [Finding("temperature", "ok", text)]
    remedy = "add a heat sink or a fan; the board slows down from 80 to 85 degrees on"
    return [Finding("temperature", "warning", text, remedy)]


def power(system: System) -> list[Finding]:
    """What the firmware of a Raspberry Pi says about voltage and throttling."""
    value = throttled_bits(system.read, system.run)
    if value is None:
        return []
    now = [text for bit, text in THROTTLE_BITS.items() if value >> bit & 1]
    before = [text for bit, text in THROTTLE_BITS.items() if value >> (bit + 16) & 1]
    if not now and not before:
        return [Finding("power", "ok", "neither throttled nor short of voltage since the start")]
    remedy = "use the board's own power supply and a short cable"
    if not {0, 16} & {bit for bit in range(32) if value >> bit & 1}:
        remedy = "add a heat sink or a fan"
    text = f"now: {', '.join(now)}" if now else f"since the start: {', '.join(before)}"
    return [Finding("power", "warning", text, remedy)]


def clock(system: System) -> list[Finding]:
    """Whether the time of day, which every record carries, can be believed."""
    remedy = "compare it with `date -u`; sudo timedatectl set-ntp true, or give the board a clock"
    if system.year < _PRESENT_YEAR:
        return [Finding("clock", "problem", f"it is not {system.year}", remedy)]
    ended = system.run(["timedatectl", "show", "-p", "NTPSynchronized", "--value"])
    if ended is not None and ended[1] in ("yes", "no"):
        synchronised = ended[1] == "yes"
    elif system.exists("run/systemd/timesync/synchronized"):
        synchronised = True
    else:
        return [Finding("clock", "note", "nobody here says whether it is synchronised", remedy)]
    if synchronised:
        return [Finding("clock", "ok", "synchronised")]
    return [Finding("clock", "warning", "not synchronised; records may carry a wrong time", remedy)]


def _line(text: str) -> str:
    """Return a text that fits on a line of a terminal."""
    return "".join(char if char.isprintable() else " " for char in text)[:80]
