"""What is opened for the command's options, and what may come later."""

from __future__ import annotations

from dataclasses import MISSING, fields

import pytest

from edge_runtime.errors import DataError, SourceError
from edge_runtime.infer.input import open_input, reconnection
from edge_runtime.infer.options import InferOptions
from edge_runtime.sources import AbsentSource

NOWHERE = "/dev/video-of-nobody"


def options(**given):
    """The options of the command, of which most do not matter here."""
    required = [f.name for f in fields(InferOptions) if f.default_factory is MISSING]
    chosen = {"reconnect": "auto", "skip_bad": False, **given}
    return InferOptions(**{**dict.fromkeys(required), **chosen})


def test_a_camera_that_is_not_there_is_refused():
    with pytest.raises(SourceError, match="video-of-nobody"):
        open_input(options(camera=NOWHERE), [])


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({"camera": NOWHERE}, NOWHERE),
        ({"source": "tcp://user:secret@127.0.0.1:1/"}, "tcp://127.0.0.1:1/"),
    ],
)
def test_a_camera_or_a_stream_may_come_later(given, name):
    source = open_input(options(reconnect="always", **given), [])
    assert isinstance(source, AbsentSource)
    assert name in source.name
    assert "secret" not in source.name
    assert reconnection(options(reconnect="always", **given), source) is not None
    assert reconnection(options(reconnect="never", **given), source) is None


def test_a_file_that_is_not_there_will_not_come(tmp_path):
    with pytest.raises(DataError):
        open_input(options(source=str(tmp_path / "film.mp4"), reconnect="always"), [])


def test_an_unreadable_image_is_refused_with_the_option_that_leaves_it_out(tmp_path, capsys):
    (tmp_path / "bad.png").write_bytes(b"no picture")
    with pytest.raises(DataError, match=r"bad\.png.*, or leave such files out with --skip-bad\.$"):
        list(open_input(options(source=str(tmp_path)), []))
    skipped = []
    assert list(open_input(options(source=str(tmp_path), skip_bad=True), skipped)) == []
    assert [name.endswith("bad.png") for name in skipped] == [True]
    assert capsys.readouterr().err.startswith("Skipped: ")
