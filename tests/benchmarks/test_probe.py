"""The machine-speed probe."""

from __future__ import annotations

import platform

import cv2

from benchmarks.probe import PROBE, MachineProbe


def test_the_work_never_changes():
    """Another picture is another work: then the version goes up, too."""
    first, again = MachineProbe(), MachineProbe()
    assert PROBE.startswith("1, Python ")
    assert first() == again() == first()
    assert first().hex().startswith("dac1ebd307020723")


def test_the_code_that_does_the_work_is_named():
    for version in (platform.python_version(), platform.python_compiler(), cv2.__version__):
        assert version in PROBE
