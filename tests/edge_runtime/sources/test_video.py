"""Video files and streams as a source."""

from __future__ import annotations

import functools
import http.server
import threading

import pytest

from edge_runtime.errors import SourceError
from edge_runtime.sources import open_source
from edge_runtime.sources.video import StreamSource, without_credentials


def test_every_frame_of_a_video_is_given_in_rgb(tmp_path, film):
    film(tmp_path / "film.mp4", frames=5, color=(230, 20, 20))
    frames = list(open_source(str(tmp_path / "film.mp4")))
    assert [frame.output_stem for frame in frames] == [f"film-00000{i}" for i in range(5)]
    assert all(frame.source == "film.mp4" and not frame.still for frame in frames)
    red, green, blue = frames[0].image.reshape(-1, 3).mean(axis=0)
    assert red > 180 > 80 > max(green, blue)


def test_the_frame_rate_is_known(tmp_path, film):
    film(tmp_path / "film.avi", frames=2)
    with open_source(str(tmp_path / "film.avi")) as source:
        assert source.fps == 25
        assert not source.live


@pytest.mark.parametrize(
    ("content", "told"),
    [(b"", "is empty"), (b"no film at all" * 100, "cannot be opened as a video")],
)
def test_a_file_that_is_no_video_is_one_sentence(tmp_path, content, told):
    (tmp_path / "x.mp4").write_bytes(content)
    with pytest.raises(SourceError, match=rf"x\.mp4 {told}"):
        open_source(str(tmp_path / "x.mp4"))


def test_a_name_that_looks_like_a_protocol_is_a_file(tmp_path, film, monkeypatch):
    film(tmp_path / "concat:film.mp4", frames=1)
    monkeypatch.chdir(tmp_path)
    assert len(list(open_source("concat:film.mp4"))) == 1


@pytest.fixture
def web_folder(tmp_path):
    """A folder and its URL on a real local web server."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *args):
            pass

    handler = functools.partial(Quiet, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield tmp_path, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_video_behind_a_url_is_read_to_its_end(web_folder, film):
    folder, url = web_folder
    film(folder / "film.mp4", frames=4)
    source = open_source(f"{url}/film.mp4")
    frames = list(source)
    assert not source.live
    assert [frame.source for frame in frames] == [f"{url}/film.mp4"] * 4
    assert frames[3].output_stem == "film-000003"


def test_a_live_stream_that_ends_was_lost(web_folder, film):
    folder, url = web_folder
    film(folder / "live.mp4", frames=2)
    (folder / "live.mp4").rename(folder / "live")
    with StreamSource(f"{url}/live") as source:
        assert source.live
        with pytest.raises(SourceError, match="was lost"):
            list(source)


def test_a_url_that_answers_nothing_is_one_sentence(web_folder):
    _, url = web_folder
    with pytest.raises(SourceError, match="cannot be opened"):
        open_source(f"{url}/absent.mp4")


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("rtsp://me:secret@cam/stream", "rtsp://cam/stream"),
        ("rtsp://me:p@ss@cam:554/stream", "rtsp://cam:554/stream"),
        ("http://cam/stream", "http://cam/stream"),
    ],
)
def test_credentials_of_a_url_are_never_shown(url, shown):
    assert without_credentials(url) == shown


def test_an_error_does_not_show_credentials():
    with pytest.raises(SourceError) as caught:
        open_source("http://me:secret@127.0.0.1:9/live")
    assert "secret" not in str(caught.value)
