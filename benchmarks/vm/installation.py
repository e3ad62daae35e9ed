"""Putting saliedge on the machine as docs/device.md tells it, command by command."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping
from pathlib import Path

from benchmarks.vm.agent import Agent
from benchmarks.vm.system import ENVIRONMENT, NETWORK

__all__ = ["CONFIG", "copy_folder", "install_package", "install_service", "write_config"]

CONFIG = "/etc/saliedge/edge-infer.toml"
_TOKEN = "/etc/saliedge/token"
_UNIT = "/etc/systemd/system/saliedge.service"
_EXTRAS = "onnx,litert,web"


def install_package(agent: Agent, wheel: Path) -> None:
    """Install the wheel with its commands; the machine has what it requires, and no index."""
    there = f"/root/{wheel.name}"
    agent.write_file(there, wheel.read_bytes())
    python = f"/{ENVIRONMENT}/bin/python"
    agent.check(python, "-m", "pip", "install", "--quiet", "--no-index", f"{there}[{_EXTRAS}]")
    commands = [f"/{ENVIRONMENT}/bin/{name}" for name in ("saliedge", "edge-infer")]
    agent.check("ln", "-s", *commands, "/usr/local/bin/")


def install_service(agent: Agent, options: Mapping[str, str | int], token: str) -> None:
    """Write configuration, token and unit; the service is enabled and not started yet.

    Args:
        agent: Of the machine.
        options: Of ``edge-infer``.
        token: Of the page; nobody but root can read its file.
    """
    agent.check("mkdir", "-p", str(Path(CONFIG).parent))
    agent.write_file(_TOKEN, f"{token}\n".encode())
    agent.check("chmod", "600", _TOKEN)
    write_config(
        agent, {**options, "token-file": f"/run/credentials/saliedge.service/{Path(_TOKEN).name}"}
    )
    credential = f"{Path(_TOKEN).name}:{_TOKEN}"
    text = agent.check(
        "saliedge", "service", "unit", "--allow", NETWORK, "--credential", credential
    )
    agent.write_file(_UNIT, text.encode())
    agent.check("systemctl", "enable", "saliedge")


def write_config(agent: Agent, options: Mapping[str, str | int]) -> None:
    """Write the configuration of ``edge-infer``."""
    lines = (
        f'{name} = "{value}"\n' if isinstance(value, str) else f"{name} = {value}\n"
        for name, value in options.items()
    )
    agent.write_file(CONFIG, "".join(lines).encode())


def copy_folder(agent: Agent, folder: Path, parent: str) -> str:
    """Copy a folder into one of the machine's and return its path there."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        archive.add(folder, folder.name)
    archive_there = f"{parent}/{folder.name}.tar"
    agent.check("mkdir", "-p", parent)
    agent.write_file(archive_there, packed.getvalue())
    agent.check("tar", "-x", "--no-same-owner", "-C", parent, "-f", archive_there)
    agent.check("rm", archive_there)
    return f"{parent}/{folder.name}"
