"""Processes of one machine start together and end together."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from train.launch import launch

_WAIT = "import time; time.sleep(60)"
# A program that launches two others; each leaves a file once it runs, and when Ctrl-C reaches it.
_LAUNCHER = """
import sys
from edge_runtime.errors import run_command
from train.launch import launch
import click

@click.command()
@click.argument("words", nargs=-1)
def main(words):
    sys.exit(launch(["-c", *words], 2))

run_command(main, sys.argv[1:])
"""
_CHILD = """
import os, sys, time
from pathlib import Path
place = Path(sys.argv[1])
try:
    (place / f"running{os.environ['RANK']}").touch()
    time.sleep(60)
except KeyboardInterrupt:
    (place / f"interrupted{os.environ['RANK']}").touch()
    sys.exit(130)
"""


def test_each_process_is_told_which_it_is(capfd: pytest.CaptureFixture[str]) -> None:
    names = "'RANK', 'LOCAL_RANK', 'WORLD_SIZE', 'MASTER_ADDR', 'GLOO_SOCKET_IFNAME'"
    program = f"import os; print(*(os.environ[name] for name in ({names})))"
    assert launch(["-c", program], 2) == 0
    assert sorted(capfd.readouterr().out.splitlines()) == [
        "0 0 2 127.0.0.1 lo",
        "1 1 2 127.0.0.1 lo",
    ]


def test_one_that_fails_ends_the_others_and_gives_its_code() -> None:
    program = f"import os, sys\nif os.environ['RANK'] == '1': sys.exit(7)\n{_WAIT}"
    assert launch(["-c", program], 2) == 7


def test_a_killed_process_is_told_as_a_shell_tells_it() -> None:
    program = f"import os\nif os.environ['RANK'] == '0': os.kill(os.getpid(), 9)\n{_WAIT}"
    assert launch(["-c", program], 2) == 128 + signal.SIGKILL


@pytest.mark.parametrize(
    ("sent", "code", "left"),
    [
        (signal.SIGINT, 130, {"interrupted0", "interrupted1"}),
        (signal.SIGTERM, 143, set()),
    ],
)
def test_a_signal_ends_all_with_its_code(
    tmp_path: Path, sent: signal.Signals, code: int, left: set[str]
) -> None:
    command = [sys.executable, "-c", _LAUNCHER, _CHILD, str(tmp_path)]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as launcher:
        while len(list(tmp_path.iterdir())) < 2:
            assert launcher.poll() is None
        launcher.send_signal(sent)
        assert launcher.wait() == code
    assert {path.name for path in tmp_path.iterdir()} == {"running0", "running1", *left}
