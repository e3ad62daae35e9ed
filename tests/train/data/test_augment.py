from __future__ import annotations

import numpy as np
import pytest

from edge_runtime.errors import UsageError
from train.data.augment import Augmentation, augment, keyed_generator

NOTHING = Augmentation(0, False, 0, 0, 0, 0, 0)


def picture() -> np.ndarray:
    return np.random.default_rng(3).integers(0, 256, (24, 20, 3), dtype=np.uint8)


def test_all_settings_at_zero_give_the_image_itself() -> None:
    np.testing.assert_array_equal(augment(picture(), NOTHING, keyed_generator(0)), picture())


def test_the_same_key_gives_the_same_bits_and_another_epoch_others() -> None:
    settings = Augmentation()
    views = [augment(picture(), settings, keyed_generator(0, "view", e, "a")) for e in (1, 1, 2)]
    np.testing.assert_array_equal(views[0], views[1])
    assert (views[0] != views[2]).any()


def test_the_keyed_numbers_never_change() -> None:
    """A run resumed with a later version goes on with the same views."""
    drawn = keyed_generator(0, "view", 1, "a").integers(0, 1000, 4).tolist()
    assert drawn == [679, 891, 910, 23]


def test_flips_are_exact_mirror_images() -> None:
    settings = Augmentation(0, True, 0, 0, 0, 0, 0)
    image = picture()
    wanted = {image[::y, ::x].tobytes() for y in (1, -1) for x in (1, -1)}
    seen = {augment(image, settings, keyed_generator(n)).tobytes() for n in range(40)}
    assert seen == wanted


def test_colour_keeps_the_shape_of_grey_and_moves_its_level() -> None:
    settings = Augmentation(0, False, 0, 0, 0.2, 0, 0.5)
    grey = np.full((8, 8, 3), 100, np.uint8)
    view = augment(grey, settings, keyed_generator(5))
    assert np.unique(view).size == 1
    assert abs(int(view[0, 0, 0]) - 100) <= 51


@pytest.mark.parametrize("wrong", [{"rotation": 200.0}, {"zoom": 1.0}, {"shift": -0.1}])
def test_settings_out_of_range_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(UsageError):
        Augmentation(**wrong)
