"""What C++ writes to the terminal ends in a file; what a person must read does not."""

from __future__ import annotations

import os
import sys

import pytest

from edge_runtime.errors import OutputError
from export.captured_output import log_path, output_kept_in


def test_what_is_written_past_python_is_kept(tmp_path, capfd):
    with output_kept_in(tmp_path / "x.log"):
        os.write(2, b"INFO: from C++\n")
        print("a progress", flush=True)
        print("a warning", file=sys.stderr)
    print("afterwards", file=sys.stderr)
    assert (tmp_path / "x.log").read_text().startswith("INFO: from C++\n")
    shown = capfd.readouterr()
    assert shown.out == "a progress\n"
    assert "C++" not in shown.err


def test_silence_leaves_no_file_and_removes_an_earlier_one(tmp_path):
    (tmp_path / "x.log").write_text("old")
    with output_kept_in(tmp_path / "x.log"):
        pass
    assert not (tmp_path / "x.log").exists()


def test_an_export_that_was_refused_leaves_the_file_of_the_earlier_one(tmp_path):
    (tmp_path / "x.log").write_text("old")
    with pytest.raises(OutputError), output_kept_in(tmp_path / "x.log"):
        raise OutputError("refused")
    assert (tmp_path / "x.log").read_text() == "old"


def test_an_error_passes_and_the_noise_before_it_is_kept(tmp_path, capfd):
    with pytest.raises(ValueError, match="told"), output_kept_in(tmp_path / "x.log"):
        os.write(2, b"the reason\n")
        raise ValueError("told")
    os.write(2, b"terminal\n")
    assert (tmp_path / "x.log").read_text() == "the reason\n"
    assert capfd.readouterr().err == "terminal\n"


def test_a_log_that_cannot_be_written_does_not_hide_the_error(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match="told"), output_kept_in(tmp_path / "file" / "x.log"):
        os.write(2, b"noise\n")
        raise ValueError("told")


def test_an_export_shows_no_engines_noise(run_export, tiny_run, tmp_path, capfd):
    run_export(tiny_run, tmp_path / "model.edge", "--no-reference")
    shown = capfd.readouterr()
    assert shown.err == ""
    assert "INFO" not in shown.out
    assert log_path(tmp_path / "model.edge").name == "model.export.log"
