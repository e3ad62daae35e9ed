"""The slim package that a board gets."""

from __future__ import annotations

import io
import subprocess
import sys
import zipfile

from benchmarks.remote.wheel import WHEEL_NAME, slim_wheel


def test_it_holds_what_a_device_needs_and_no_training():
    with zipfile.ZipFile(io.BytesIO(slim_wheel())) as archive:
        names = set(archive.namelist())
    tops = {name.partition("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"benchmarks", "edge_runtime"}
    assert "edge_runtime/bundle/bundle.schema.json" in names
    assert "benchmarks/sustained/worker.py" in names
    assert not [name for name in names if "/studies/" in name or "/peers/" in name]


def test_the_same_package_is_the_same_bytes():
    assert slim_wheel() == slim_wheel()


def test_pip_takes_it(tmp_path):
    wheel = tmp_path / WHEEL_NAME
    wheel.write_bytes(slim_wheel())
    ended = subprocess.run(
        [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-index", "--target",
         tmp_path / "site", wheel],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    assert (tmp_path / "site" / "edge_runtime" / "cli.py").is_file()
