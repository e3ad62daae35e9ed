"""What the doctor says about packages and engines, which it imports in processes of their own."""

from __future__ import annotations

import os

import pytest

from edge_runtime.doctor import System
from edge_runtime.doctor.software import engines, packages, probe_import


@pytest.fixture
def module(tmp_path):
    """Function that writes a module and returns a system on whose path it lies."""

    def write(text):
        (tmp_path / "sample_module.py").write_text(text)
        return System(environment={**os.environ, "PYTHONPATH": str(tmp_path)})

    return write


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("__version__ = '2.5'", ("2.5", True)),
        ("x = 1", ("unknown version", True)),
        ("import os; os.kill(os.getpid(), 4)", ("its import crashes (SIGILL)", False)),
        ("raise ValueError('odd')", ("its import fails: ValueError: odd", False)),
        (
            "import not_there",
            ("its import fails: ModuleNotFoundError: No module named 'not_there'", False),
        ),
    ],
)
def test_an_import_is_tried_in_a_process_of_its_own(module, text, expected):
    assert probe_import(module(text), "sample_module", "no-such-distribution") == expected


def test_a_package_that_is_not_there_is_said_so(module):
    assert probe_import(module(""), "not_there", "not-there") == ("not installed", False)


def test_a_module_that_writes_to_the_terminal_does_not_hide_its_version(module):
    found = probe_import(module("print('hello'); __version__ = '3'"), "sample_module", "none")
    assert found == ("3", True)


def test_one_working_engine_is_enough(system):
    found = engines(system(answers={}))
    assert found[-1].status == "problem"
    assert found[-1].text == "no engine works here"


def test_the_packages_of_a_run_are_all_looked_at():
    found = packages(System())
    assert {finding.name for finding in found} == {
        "numpy", "opencv-python-headless", "pillow", "click",
    }  # fmt: skip
    assert {finding.status for finding in found} == {"ok"}
