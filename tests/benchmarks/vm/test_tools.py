"""Programs that the virtual machine needs, and Debian's packages for them."""

from __future__ import annotations

import pytest

from benchmarks.vm.tools import DEBIAN_PACKAGES, require_tools, system_program
from edge_runtime.errors import DependencyError


def test_a_missing_program_is_named_with_its_package(monkeypatch):
    monkeypatch.setattr("shutil.which", lambda name, path: None)
    with pytest.raises(DependencyError, match="needs qemu-img: sudo apt-get install qemu-utils"):
        system_program("qemu-img")


def test_everything_is_looked_for_before_any_work(monkeypatch):
    looked_for = []
    monkeypatch.setattr(
        "shutil.which", lambda name, path: looked_for.append(name) or f"/bin/{name}"
    )
    require_tools()
    assert looked_for == list(DEBIAN_PACKAGES)


def test_programs_that_an_ordinary_user_does_not_see_are_found(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    searched = []
    monkeypatch.setattr("shutil.which", lambda name, path: searched.append(path) or "/sbin/mke2fs")
    system_program("mke2fs")
    assert searched == [f"{tmp_path}:/usr/sbin:/sbin"]
