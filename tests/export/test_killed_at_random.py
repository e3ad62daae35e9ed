"""An export that is killed at any moment leaves the earlier bundle or the new one, whole.

Half of the kills come at a random moment, half at a random access to the output's folder, where the
moments that matter are: a handful, or 50 where there is time (`make test-all`).
"""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from edge_runtime.bundle import open_bundle

KILLS = 50 if os.environ.get("SALIEDGE_SLOW") else 4

# Imports once, then exports in a fork for each line {"access": number or null, "after": seconds or
# null}, and answers with the accesses that were counted, or null if the export was killed.
_SERVER = """
import json, os, select, signal, sys
from edge_runtime.cli import main
from export import exporter
run, out = sys.argv[1:]
folder = os.path.dirname(out)
state = {"count": 0, "limit": None}

def watch(event, arguments):
    if event.partition(".")[0] not in ("open", "os", "shutil") or not arguments:
        return
    if folder in str(arguments[0]):
        state["count"] += 1
        if state["count"] == state["limit"]:
            os.kill(os.getpid(), signal.SIGKILL)

def export(request, answer):
    state["limit"] = request["access"]
    sys.addaudithook(watch)
    try:
        main(["export", run, "--out", out, "--samples", "16", "--force"])
    except SystemExit as end:
        os.write(answer, json.dumps([end.code, state["count"]]).encode())
    finally:
        os._exit(0)

for line in sys.stdin:
    request = json.loads(line)
    readable, answer = os.pipe()
    child = os.fork()
    if child == 0:
        os.dup2(2, 1)
        export(request, answer)
    os.close(answer)
    if not select.select([readable], [], [], request["after"])[0]:
        os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    print(os.read(readable, 100).decode() or "null", flush=True)
    os.close(readable)
"""


@pytest.fixture
def server(tiny_run: Path, tiny_bundle: Path, tmp_path: Path):
    """A place with an earlier bundle, and a function that exports over it, killed or not."""
    out = tmp_path / "out" / "model.edge"
    shutil.copytree(tiny_bundle, out)
    process = subprocess.Popen(
        [sys.executable, "-c", _SERVER, str(tiny_run), str(out)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )

    def export(access: int | None = None, after: float | None = None) -> list[int] | None:
        process.stdin.write(json.dumps({"access": access, "after": after}) + "\n")
        process.stdin.flush()
        return json.loads(process.stdout.readline())

    yield out, export
    process.stdin.close()
    process.wait()
    process.stdout.close()


def test_a_kill_at_any_moment_leaves_a_whole_bundle(server) -> None:
    out, export = server
    earlier = open_bundle(out).sha256
    kept = shutil.copytree(out, out.parent.parent / "kept.edge")
    code, accesses = export()
    assert code == 0
    new = open_bundle(out).sha256
    assert new != earlier  # on fewer images than the earlier one
    draw = random.Random(0)
    killed = 0
    for number in range(KILLS):
        shutil.rmtree(out)
        shutil.copytree(kept, out)
        if number % 2:
            ended = export(access=draw.randint(1, accesses))
        else:
            ended = export(after=draw.uniform(0.05, 4.0))
        killed += ended is None
        assert open_bundle(out).sha256 in (earlier, new)
        assert open_bundle(out).verify_files().passed
        assert ended is None or open_bundle(out).sha256 == new
    assert killed >= KILLS // 2
    assert export()[0] == 0  # what was left behind is in nobody's way
    assert open_bundle(out).sha256 == new
