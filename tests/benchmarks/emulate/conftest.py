"""A report of counts made by hand."""

from __future__ import annotations

import pytest

from benchmarks.absent import Absent
from benchmarks.configurations import Configuration
from benchmarks.emulate.report import Count, EmulationReport
from benchmarks.report import BundleIdentity


@pytest.fixture
def make_count():
    """Function that makes a count: make_count("int8", "gradient", 250, macs=800)."""

    def make(precision="int8", saliency="none", instructions=100, **changes):
        fields = {
            "configuration": Configuration("onnx", precision, saliency),
            "graph": "graph.onnx",
            "processor": "cortex-a76",
            "device_set": "trixie",
            "instructions": (instructions + 1, instructions, instructions - 1),
            "engine_version": "1.2.3",
            "numpy_version": "2.0.0",
            "python_version": "3.13.5",
            "macs": 800,
            "outputs_as_here": True,
        }
        return Count(**{**fields, **changes})

    return make


@pytest.fixture
def emulation_report(make_count):
    """INT8 with and without a map beside float, and a count of which little is known."""
    return EmulationReport(
        bundle=BundleIdentity("tiny.edge", "tiny", "0" * 64, 48, 48),
        emulator="qemu-aarch64 version 7.2",
        here="a processor",
        counts=(
            make_count(instructions=1_000_000),
            make_count(saliency="gradient", instructions=2_500_000),
            make_count("float32", instructions=4_000_000),
            make_count(
                instructions=3_000_000,
                processor="cortex-a72",
                macs=Absent("no parser"),
                outputs_as_here=Absent("no engine"),
            ),
        ),
        left_out={"litert": "no such graph"},
    )
