"""Instructions are counted exactly, and a graph that costs more than it did is reported.

The stored counts are those of `instructions.json`, of the small network that the tests train. A
change is accepted by `make test-arm64 ACCEPT_COUNTS=1`, which writes the file anew.
"""

from __future__ import annotations

import json
import os
import struct
import subprocess
from pathlib import Path

import pytest

from benchmarks.emulate.cache import cache_root
from benchmarks.emulate.counter import build_counter, read_counts
from benchmarks.emulate.emulation import emulate_bundle
from edge_runtime.bundle import open_bundle
from edge_runtime.files import atomic_write_text

pytestmark = pytest.mark.arm64

STORED = Path(__file__).with_name("instructions.json")
TOLERANCE = 0.02
ENGINES = ("onnx", "litert", "tflite-runtime")


def write_program(path: Path, turns: int) -> None:
    """Write an aarch64 program that goes round a loop of two instructions between two markers."""
    move = 0xD2800000  # MOVZ Xd, #immediate
    instructions = [
        move | 173 << 5 | 8,  # x8 = getppid
        move | turns << 5 | 1,  # x1 = turns
        0xD4000001,  # SVC: the first marker
        0xF1000421,  # SUBS x1, x1, #1
        0x54FFFFE1,  # B.NE to the instruction before
        0xD4000001,  # SVC: the second marker
        move | 93 << 5 | 8,  # x8 = exit
        move | 0,  # x0 = 0
        0xD4000001,
    ]
    code = struct.pack(f"<{len(instructions)}I", *instructions)
    base, start = 0x400000, 64 + 56
    identity = b"\x7fELF" + bytes([2, 1, 1]) + bytes(9)
    header = struct.pack("<HHIQQQIHHHHHH", 2, 183, 1, base + start, 64, 0, 0, 64, 56, 1, 64, 0, 0)
    size = start + len(code)
    segment = struct.pack("<IIQQQQQQ", 1, 5, 0, base, base, size, size, 0x10000)
    path.write_bytes(identity + header + segment + code)
    path.chmod(0o755)


@pytest.mark.parametrize("turns", [1, 1000, 65535])
def test_the_count_is_exact_to_the_instruction(tmp_path, turns):
    write_program(tmp_path / "program", turns)
    plugin = f"{build_counter(cache_root())},out={tmp_path / 'counts'}"
    subprocess.run(["qemu-aarch64", "-plugin", plugin, tmp_path / "program"], check=True)
    # Two instructions a turn, and the second marker's own.
    assert read_counts(tmp_path / "counts") == (2 * turns + 1,)


@pytest.mark.parametrize("argument", ["", ",out=/nonexistent/counts", ",out=/dev/null,other=1"])
def test_a_plugin_without_a_place_for_its_counts_refuses(tmp_path, argument):
    write_program(tmp_path / "program", 1)
    plugin = f"{build_counter(cache_root())}{argument}"
    ended = subprocess.run(
        ["qemu-aarch64", "-plugin", plugin, tmp_path / "program"], capture_output=True, check=False
    )
    assert ended.returncode != 0
    assert b"counter: " in ended.stderr


def test_two_runs_count_the_same_to_the_digit(tiny_bundle):
    def count():
        report = emulate_bundle(
            open_bundle(tiny_bundle), ("cortex-a76",), ("onnx",), saliencies=("none",)
        )
        return report.to_bytes()

    assert count() == count()


@pytest.fixture(scope="module")
def report(tiny_bundle):
    jobs = len(os.sched_getaffinity(0))
    return emulate_bundle(open_bundle(tiny_bundle), engines=ENGINES, jobs=jobs)


def test_all_outputs_have_the_bits_of_this_machine(report):
    # Float sums depend on the order of the kernel, which differs between processors.
    same = {
        count.key: count.outputs_as_here
        for count in report.counts
        if count.configuration.precision == "int8" and count.device_set == "trixie"
    }
    assert same == dict.fromkeys(same, True)


def test_no_count_is_below_its_bound(report):
    assert all(count.figure > count.bound for count in report.counts)


def test_integer_graphs_take_fewer_instructions_than_float(report):
    # Not in tflite-runtime 2.14, whose wheel has fast kernels for float networks only.
    figures = {
        count.key: count.figure
        for count in report.counts
        if count.configuration.engine != "tflite-runtime"
    }
    for key, figure in figures.items():
        if " int8" in key and key.replace("int8", "float32") in figures:
            assert figure < figures[key.replace("int8", "float32")], key


def test_counts_are_those_that_are_stored(report):
    found = {
        count.key: {"instructions": count.figure, "engine": count.engine_version}
        for count in report.counts
    }
    if os.environ.get("SALIEDGE_ACCEPT_COUNTS"):
        atomic_write_text(STORED, json.dumps(found, indent=1) + "\n")
    stored = json.loads(STORED.read_text())
    assert found.keys() == stored.keys()
    changed = [
        f"{key}: {stored[key]['instructions']} -> {now['instructions']} "
        f"({now['instructions'] / stored[key]['instructions'] - 1:+.1%})"
        for key, now in found.items()
        if abs(now["instructions"] / stored[key]["instructions"] - 1) > TOLERANCE
    ]
    assert not changed, (
        "instructions changed by more than 2 %; accept with `make test-arm64 ACCEPT_COUNTS=1`:\n"
        + "\n".join(changed)
    )
