"""The command on a real bundle in real engines."""

from __future__ import annotations

import json
import os
import pty
import shutil
import subprocess
import sys

import pytest

from benchmarks.report import read_report
from edge_runtime import __version__
from edge_runtime.cli import main as saliedge
from tests.benchmarks.schemas import errors_of

QUICK = ("--frames", 3, "--warmup", 1, "--rounds", 2, "--threads", 1)


def test_a_bundle_is_measured_in_every_engine_with_and_without_maps(bench, bundle_path, tmp_path):
    path = tmp_path / "report.json"
    ending = bench("--bundle", bundle_path, *QUICK, "--json", path)
    assert ending.code == 0, ending.err
    report = read_report(path)
    measured = {result.configuration.name for result in report.results}
    assert measured >= {
        "onnx int8", "onnx int8 cam", "onnx int8 gradient", "onnx float32",
        "litert int8", "litert int8 cam", "litert int8 gradient",
    }  # fmt: skip
    assert all(len(result.rounds) == 2 for result in report.results)
    assert all(result.summary.samples == 6 for result in report.results)
    assert {ratio.kind for ratio in report.ratios} == {"precision", "saliency"}
    for name in measured:
        assert name in ending.out
    assert f"written: {path}" in ending.out
    assert ending.err == ""  # no progress line where there is no terminal


def test_engines_and_maps_can_be_chosen(bench, bundle_path, tmp_path):
    path = tmp_path / "report.json"
    ending = bench(
        "--bundle", bundle_path, "--engine", "litert", "--saliency", "gradient", *QUICK,
        "--json", path,
    )  # fmt: skip
    assert ending.code == 0, ending.err
    report = read_report(path)
    assert [result.configuration.name for result in report.results] == ["litert int8 gradient"]
    assert report.workload.threads == 1


def test_threads_and_bundles_are_measured_in_turn_in_one_run(bench, bundle_path, tmp_path):
    large, path, page = tmp_path / "large.edge", tmp_path / "report.json", tmp_path / "report.html"
    shutil.copytree(bundle_path, large)
    ending = bench(
        "--bundle", bundle_path, "--bundle", large, "--engine", "onnx", "--saliency", "none",
        "--frames", 3, "--warmup", 1, "--rounds", 2, "--threads", 1, "--threads", 2,
        "--json", path, "--html", page,
    )  # fmt: skip
    assert ending.code == 0, ending.err
    record = json.loads(path.read_bytes())
    assert errors_of(record, "bench-report") == []
    report = read_report(path)
    assert [result.configuration.name for result in report.results] == [
        "onnx int8, 1 thread, tiny.edge", "onnx int8, 2 threads, tiny.edge",
        "onnx float32, 1 thread, tiny.edge", "onnx float32, 2 threads, tiny.edge",
        "onnx int8, 1 thread, large.edge", "onnx int8, 2 threads, large.edge",
    ]  # fmt: skip
    assert "onnx int8, 2 threads, tiny.edge / onnx int8, 1 thread, tiny.edge" in ending.out
    assert "onnx int8, 1 thread, large.edge / onnx int8, 1 thread, tiny.edge" in ending.out
    assert "large.reference does not lie beside the bundle" in ending.out
    assert "2 threads, large.edge" in page.read_text()


def test_two_bundles_of_one_name_are_refused(bench, bundle_path, tmp_path):
    copy = tmp_path / "elsewhere" / "tiny.edge"
    shutil.copytree(bundle_path, copy)
    ending = bench("--bundle", bundle_path, "--bundle", copy, *QUICK)
    assert (ending.code, "2 bundles are called tiny.edge" in ending.err) == (2, True)


def test_the_report_on_stdout_is_alone_there(bench, bundle_path):
    ending = bench(
        "--bundle", bundle_path, "--engine", "onnx", "--saliency", "none", *QUICK, "--json", "-"
    )
    assert ending.code == 0
    assert json.loads(ending.out)["kind"] == "saliedge-bench"
    assert "onnx int8" in ending.err


def test_the_report_says_which_bundle_and_not_where_it_lies(bench, bundle_path, tmp_path):
    ending = bench(
        "--bundle", bundle_path, "--engine", "onnx", "--saliency", "none", *QUICK, "--json", "-"
    )
    record = json.loads(ending.out)
    assert record["bundle"]["file"] == "tiny.edge"
    assert str(tmp_path) not in ending.out


def test_strict_fails_after_the_report_is_written(bench, bundle_path, tmp_path):
    path = tmp_path / "report.json"
    arguments = ("--bundle", bundle_path, "--engine", "onnx", "--saliency", "none", *QUICK)
    ending = bench(*arguments, "--json", path, "--strict")
    assert ending.code == 8
    assert "cannot be relied on" in ending.err
    assert read_report(path).findings


@pytest.mark.parametrize("command", ["compare", "check"])
def test_subcommands_have_their_own_help(bench, command):
    ending = bench(command, "--help")
    assert ending.code == 0
    assert f"bench {command}" in ending.out


def test_an_earlier_report_stays_without_force(bench, bundle_path, tmp_path):
    path = tmp_path / "report.json"
    path.write_text("earlier")
    arguments = ("--bundle", bundle_path, "--engine", "onnx", "--saliency", "none", *QUICK)
    ending = bench(*arguments, "--json", path)
    assert (ending.code, ending.out) == (7, "")
    assert "exists already" in ending.err
    assert path.read_text() == "earlier"
    assert bench(*arguments, "--json", path, "--force").code == 0
    read_report(path)


def test_a_failed_process_is_one_sentence_and_writes_nothing(bench, bundle_path, tmp_path):
    graph = bundle_path / "int8-cam.onnx"
    graph.write_bytes(graph.read_bytes()[:-1] + b"?")
    path = tmp_path / "report.json"
    ending = bench("--bundle", bundle_path, "--engine", "onnx", *QUICK, "--json", path)
    assert ending.code == 4
    assert ending.err.startswith("Error: ")
    assert ending.err.count("\n") == 1
    assert "int8-cam.onnx is not the file that was exported" in ending.err
    assert ending.out == ""
    assert not path.exists()


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("--bundle", "missing.edge"), 4, "missing.edge does not exist"),
        (("--bundle", "x", "--engine", "abacus"), 2, "abacus"),
        (("--bundle", "x", "--saliency", "aura"), 2, "aura"),
        (("--bundle", "x", "--frames", "0"), 2, "--frames"),
        ((), 2, "--bundle"),
    ],
)
def test_wrong_usage_ends_with_its_code(bench, arguments, code, says):
    ending = bench(*arguments)
    assert ending.code == code
    assert says in ending.err
    assert "Traceback" not in ending.err


def test_an_engine_that_is_not_installed_is_named_with_its_extra(bench, bundle_path, monkeypatch):
    monkeypatch.setattr("benchmarks.configurations.installed_engines", lambda: ("onnx",))
    ending = bench("--bundle", bundle_path, "--engine", "litert", *QUICK)
    assert ending.code == 5
    assert "pip install 'saliedge[litert]'" in ending.err


def test_help_imports_neither_an_engine_nor_numpy():
    program = (
        "import sys; from click.testing import CliRunner; from benchmarks.cli import bench\n"
        "assert CliRunner().invoke(bench, ['--help']).exit_code == 0\n"
        "print(*{'numpy', 'cv2', 'onnxruntime', 'ai_edge_litert', 'torch'} & sys.modules.keys())"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert ended.stdout.strip() == b""


def test_the_module_is_the_command():
    ended = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--version"], capture_output=True, check=True
    )
    assert __version__ in ended.stdout.decode()


def test_saliedge_has_the_command(capsys):
    with pytest.raises(SystemExit) as caught:
        saliedge(["bench", "--help"])
    assert caught.value.code == 0
    assert "--rounds" in capsys.readouterr().out


def test_a_terminal_sees_the_progress_and_the_line_is_cleared(bundle_path):
    master, terminal = pty.openpty()
    command = [
        sys.executable, "-m", "benchmarks", "--bundle", bundle_path, "--engine", "onnx",
        "--saliency", "none", *QUICK,
    ]  # fmt: skip
    ended = subprocess.run(
        [str(part) for part in command], stdout=subprocess.PIPE, stderr=terminal, check=True
    )
    os.close(terminal)
    shown = os.read(master, 1 << 16).decode()
    os.close(master)
    assert "[1/4] round 1 of 2: onnx int8" in shown
    assert "[4/4] round 2 of 2: onnx float32" in shown
    assert shown.endswith("\r\x1b[2K")
    assert b"onnx int8" in ended.stdout


def test_the_page_is_written_beside_the_report(bench, bundle_path, tmp_path):
    page = tmp_path / "report.html"
    arguments = ("--bundle", bundle_path, "--engine", "onnx", "--saliency", "none", *QUICK)
    ending = bench(*arguments, "--html", page)
    assert ending.code == 0, ending.err
    assert "onnx int8" in page.read_text()
    assert bench(*arguments, "--html", page).code == 7


def test_a_card_for_the_model_is_written(bench, bundle_path, tmp_path):
    card = tmp_path / "card.md"
    arguments = ("--bundle", bundle_path, "--engine", "onnx", "--saliency", "none", *QUICK)
    ending = bench(*arguments, "--card", card)
    assert ending.code == 0, ending.err
    assert "| onnx float32 |" in card.read_text()
    assert bench(*arguments, "--card", card).code == 7
