"""Damaged films: an error in one sentence or fewer frames, never a crash."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge_runtime.errors import SourceError
from edge_runtime.sources import open_source

FRAMES = 6


@pytest.fixture(scope="module", params=[".avi", ".mp4"])
def whole_film(request, tmp_path_factory):
    """Bytes of a film of motion JPEG or MPEG-4, and the name of a file to damage it in."""
    import cv2

    path = tmp_path_factory.mktemp("films") / f"film{request.param}"
    codec = cv2.VideoWriter.fourcc(*("MJPG" if request.param == ".avi" else "mp4v"))
    writer = cv2.VideoWriter(str(path), codec, 25, (64, 48))
    noise = np.random.default_rng(5)
    for _ in range(FRAMES):
        writer.write(noise.integers(0, 255, (48, 64, 3), np.uint8))
    writer.release()
    return path.read_bytes(), path


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    places=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), max_size=40),
    cut=st.floats(0.2, 1),
)
def test_a_damaged_film_gives_what_can_be_read(whole_film, places, cut):
    data, path = whole_film
    damaged = bytearray(data)
    for place, value in places:
        damaged[min(int(place * len(damaged)), len(damaged) - 1)] = value
    path.write_bytes(damaged[: int(cut * len(damaged))])
    frames = []
    try:
        with open_source(str(path)) as film:
            for frame in film:
                assert frame.image.ndim == 3 and frame.image.shape[2] == 3
                assert frame.image.dtype == np.uint8
                frames.append(frame.index)
    except SourceError as error:
        assert str(error)
    assert frames == list(range(len(frames)))
