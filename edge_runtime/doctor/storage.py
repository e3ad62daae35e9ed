"""Where models and outputs go: the disk, the state directory, and the models in it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from edge_runtime.doctor.finding import Finding
from edge_runtime.doctor.system import System
from edge_runtime.errors import SaliedgeError
from edge_runtime.models.store import InstalledModel, ModelStore

__all__ = ["disk", "models"]

_LEAST_DISK_MB = 200


def disk(system: System) -> list[Finding]:
    """The free space and the permission where the state is kept."""
    place = _nearest(system.state)
    try:
        status = os.statvfs(place)
    except OSError as error:
        text = f"{place} cannot be looked at ({error.strerror})"
        return [Finding("disk", "warning", text, "name another place with --state-dir")]
    free = status.f_bavail * status.f_frsize / 1e6
    findings = [Finding("disk", "ok", f"{free:.0f} MB are free at {place}")]
    if free < _LEAST_DISK_MB:
        remedy = "remove old outputs, or models with `saliedge models remove`"
        findings = [Finding("disk", "warning", f"only {free:.0f} MB are free at {place}", remedy)]
    if status.f_flag & os.ST_RDONLY:
        text = f"{place} is read-only: the chosen model runs, but none can be installed or tried"
        remedy = "mount it writable while models change, or name another place with --state-dir"
        findings.append(Finding("state directory", "note", text, remedy))
    elif not os.access(place, os.W_OK):
        text = f"this user may not write to {place}"
        remedy = "name another place with --state-dir or SALIEDGE_STATE, or run as the service does"
        findings.append(Finding("state directory", "note", text, remedy))
    return findings


def models(system: System) -> list[Finding]:
    """The models of this device, and what became of the last that was tried."""
    store = ModelStore(system.state)
    try:
        selection = store.selection()
        installed = {model.sha256: model for model in store.installed()}
    except SaliedgeError as error:
        return [Finding("models", "problem", str(error), "choose a model again")]
    damaged = [model for model in installed.values() if model.problem]
    findings = [
        Finding("models", "warning", model.problem, "install its bundle again") for model in damaged
    ]
    for sha256, reason in selection.failed.items():
        text = f"{_name(installed, sha256)} failed its trial: {reason}"
        remedy = "remove it, or choose it again when the cause is gone"
        findings.append(Finding("models", "warning", text, remedy))
    if selection.wanted is None:
        remedy = "saliedge models install BUNDLE --use, or run edge-infer with --bundle"
        return [*findings, Finding("models", "note", "no model is chosen", remedy)]
    state = "on trial" if selection.trial else "runs"
    return [*findings, Finding("models", "ok", f"{_name(installed, selection.wanted)} {state}")]


def _name(installed: Mapping[str, InstalledModel], sha256: str) -> str:
    model = installed.get(sha256)
    return f"{model.name if model else 'the model'} {sha256[:12]}"


def _nearest(path: Path) -> Path:
    """Return the path, or the nearest folder above it that exists."""
    for place in (path, *path.parents):
        if place.exists():
            return place
    return Path("/")
