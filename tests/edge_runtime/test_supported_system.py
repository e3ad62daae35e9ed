"""An unsupported system is told so in one sentence, before anything else happens."""

from __future__ import annotations

import pytest

from edge_runtime import supported_system
from edge_runtime.engines import default_engine, open_engine
from edge_runtime.errors import DependencyError
from edge_runtime.infer.cli import main as edge_infer
from edge_runtime.supported_system import OperatingSystem, require_supported_system
from tests.commands import runner

UNSUPPORTED = {
    "Raspberry Pi OS 32-bit on a Pi 3": (OperatingSystem("armv7l", 32, "glibc"), "64-bit"),
    "its kernel may be 64-bit": (OperatingSystem("aarch64", 32, "glibc"), "is 32-bit"),
    "a Pi Zero": (OperatingSystem("armv6l", 32, "glibc"), "Zero 2 W"),
    "Alpine": (OperatingSystem("aarch64", 64, "other"), "GNU C library"),
    "another processor": (OperatingSystem("riscv64", 64, "glibc"), "riscv64"),
}


@pytest.fixture(params=UNSUPPORTED)
def unsupported(request, monkeypatch):
    """What the sentence about a system says, with that system in place of this one."""
    system, text = UNSUPPORTED[request.param]
    monkeypatch.setattr(supported_system.OperatingSystem, "here", lambda: system)
    return text


@pytest.mark.parametrize("machine", ["aarch64", "x86_64"])
def test_64_bit_linux_is_supported(machine):
    require_supported_system(OperatingSystem(machine, 64, "glibc"))


def test_macos_is_supported():
    require_supported_system(OperatingSystem("arm64", 64, ""))


def test_this_machine_is_supported():
    require_supported_system()


def test_edge_infer_says_so_before_it_looks_at_anything(unsupported, capsys):
    ended = runner(edge_infer, capsys)("--bundle", "/nonexistent.edge", "--source", "/nonexistent")
    assert ended.code == DependencyError.exit_code
    assert unsupported in ended.err
    assert len(ended.err.strip().splitlines()) == 1


def test_every_command_that_opens_an_engine_says_so(unsupported):
    with pytest.raises(DependencyError, match=unsupported):
        open_engine("litert", bundle=None)
    with pytest.raises(DependencyError, match=unsupported):
        default_engine(bundle=None)
