from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from train.data.region import find_region

HEIGHT, WIDTH = 270, 480
# The picture: an octagon in columns 150 to 459, rows 10 to 259.
LEFT, RIGHT, TOP, BOTTOM = 150, 460, 10, 260


def signal(seed: int, brightness: float = 1.0) -> NDArray[np.uint8]:
    """A frame of a processor: dark noise, text to the left, an octagonal picture."""
    random = np.random.default_rng(seed)
    frame = random.integers(0, 14, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    corner = 60
    outline = np.array(
        [
            [LEFT + corner, TOP],
            [RIGHT - corner, TOP],
            [RIGHT, TOP + corner],
            [RIGHT, BOTTOM - corner],
            [RIGHT - corner, BOTTOM],
            [LEFT + corner, BOTTOM],
            [LEFT, BOTTOM - corner],
            [LEFT, TOP + corner],
        ]
    )
    inside = cv2.fillPoly(np.zeros((HEIGHT, WIDTH), np.uint8), [outline], 1) > 0
    tissue = cv2.resize(random.uniform(30, 220, (9, 16, 3)), (WIDTH, HEIGHT)) * brightness
    frame[inside] = tissue[inside].astype(np.uint8)
    for line in range(6):
        cv2.putText(
            frame, "Name 01.02.", (10, 30 + 20 * line), cv2.FONT_HERSHEY_SIMPLEX, 0.4, (255,) * 3, 1
        )
    return frame


def test_borders_and_text_are_left_out() -> None:
    region = find_region(signal(seed) for seed in range(12)).region
    assert region is not None
    found = (region.left * WIDTH, region.top * HEIGHT, region.right * WIDTH, region.bottom * HEIGHT)
    # A cell is 1.9 x 1.05 pixels.
    assert found == pytest.approx((LEFT, TOP, RIGHT, BOTTOM), abs=2)


def test_frames_without_light_do_not_move_it() -> None:
    bright = [signal(seed) for seed in range(8)]
    dark = [signal(seed, brightness=0.02) for seed in range(8)]
    assert find_region(bright + dark).region == find_region(bright).region


def test_frames_of_several_sizes_give_one_region_in_fractions() -> None:
    frames = [signal(seed) for seed in range(6)]
    halved = [
        cv2.resize(frame, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA) for frame in frames
    ]
    expected, region = find_region(frames).region, find_region(frames + halved).region
    assert expected is not None
    assert region is not None
    assert region.left == pytest.approx(expected.left, abs=0.01)
    assert region.bottom == pytest.approx(expected.bottom, abs=0.01)


def test_frames_with_a_picture_elsewhere_are_counted() -> None:
    frames = [signal(seed) for seed in range(18)]
    frames += [np.ascontiguousarray(signal(seed)[:, ::-1]) for seed in range(2)]
    assert find_region(frames).deviating == 2


def test_pictures_that_fill_their_frames_need_no_region() -> None:
    full = [signal(seed)[75:200, 210:400] for seed in range(6)]
    assert find_region(full).region is None


def test_a_shape_is_kept_for_pictures_that_fill_their_frames() -> None:
    full = [signal(seed)[75:200, 210:400] for seed in range(6)]
    region = find_region(full, "ellipse").region
    assert region is not None
    assert (str(region), region.shape) == ("0.0,0.0,1.0,1.0", "ellipse")


def test_nothing_lit_gives_no_region() -> None:
    assert find_region([np.zeros((20, 20, 3), np.uint8)]).region is None
