"""The check of the pages' commands tells a wrong one from a right one."""

from __future__ import annotations

import pytest

from tests.docs.command_lines import check, check_options, invocations


@pytest.mark.parametrize(
    ("line", "programs"),
    [
        ("saliedge doctor", ["saliedge"]),
        ("sudo -u pi /opt/x/bin/saliedge doctor | sudo tee /etc/a; ls", ["saliedge", "tee", "ls"]),
        ("A=1 B=2 bench --bundle first.edge > out.txt 2>&1", ["bench"]),
        ("saliedge verify first.edge   # and a comment", ["saliedge"]),
        ("edge-infer --source 'synthetic:?fps=25&seed=1' && echo done", ["edge-infer", "echo"]),
    ],
)
def test_a_line_is_taken_apart(line: str, programs: list[str]) -> None:
    assert [invocation.program for invocation in invocations(line)] == programs


@pytest.mark.parametrize(
    "line",
    [
        "saliedge --help",
        "saliedge train --data kvasir --out runs/first --bits 4",
        "saliedge keys new clinic.key",
        "edge-infer --bundle first.edge --camera --saliency gradient",
        "bench check after.json --against before.json --max-regression 5%",
        "python -m benchmarks.studies.demo --out demo",
        "torchrun --nproc-per-node 2 ... -m train --data kvasir --out runs/first",
        "pip install 'saliedge[litert,web]'",
        "make docs",
    ],
)
def test_a_right_command_passes(line: str) -> None:
    for invocation in invocations(line):
        check(invocation)


@pytest.mark.parametrize(
    "line",
    [
        "saliedge trian --data kvasir",
        "saliedge train --data kvasir",  # no --out
        "saliedge train --data kvasir --out runs/first --bitz 4",
        "saliedge keys make clinic.key",
        "edge-infer --bundle first.edge --camera --saliency gradients",
        "edge-infer --bundle first.edge --max-frames many",
        "bench check after.json --max-regression 5%",
        "bench --bundle first.edge extra",
        "python -m benchmarks.studies.no_such --out demo",
        "torchrun --nproc-per-node 2 -m train --datum kvasir --out runs/first",
        "pip install 'saliedge[everything]'",
        "make coffee",
    ],
)
def test_a_wrong_command_is_found(line: str) -> None:
    with pytest.raises(Exception, match=r"."):
        for invocation in invocations(line):
            check(invocation)


def test_options_alone_are_held_against_their_command() -> None:
    for line in ("saliedge evaluate --region", "edge-infer --mqtt", "bench emulate --bundle"):
        check_options(*invocations(line))
    for line in ("saliedge evaluate --regions", "edge-infer --amqp", "saliedge keys new --bundle"):
        with pytest.raises(AssertionError, match="has no option"):
            check_options(*invocations(line))
