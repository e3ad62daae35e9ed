"""Any readable image becomes RGB bytes by the documented rule; any other is an error."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from edge_runtime.errors import DataError
from edge_runtime.images import read_image


def _saved(tmp_path, image, name="x.png", **options):
    image.save(tmp_path / name, **options)
    return tmp_path / name


def _gradient(height=20, width=30):
    rows, columns = np.mgrid[:height, :width]
    return np.stack([columns * 8, rows * 12, np.full_like(rows, 40)], axis=-1).astype(np.uint8)


def test_rgb_is_read_as_it_is(tmp_path):
    pixels = _gradient()
    result = read_image(_saved(tmp_path, Image.fromarray(pixels)))
    assert np.array_equal(result, pixels)
    assert result.flags.c_contiguous
    assert result.flags.writeable


@pytest.mark.parametrize(
    ("mode", "value", "expected"),
    [
        ("L", 77, (77, 77, 77)),
        ("1", 1, (255, 255, 255)),
        ("RGBA", (200, 100, 50, 255), (200, 100, 50)),
        ("RGBA", (200, 100, 50, 0), (0, 0, 0)),
        ("LA", (200, 0), (0, 0, 0)),
        ("I;16", 65535, (255, 255, 255)),
        ("I;16", 257 * 90, (90, 90, 90)),
        ("I;16", 128, (0, 0, 0)),
        ("I;16", 129, (1, 1, 1)),
    ],
)
def test_each_mode_becomes_rgb(tmp_path, mode, value, expected):
    result = read_image(_saved(tmp_path, Image.new(mode, (4, 3), value)))
    assert result.shape == (3, 4, 3)
    assert (result == expected).all()


def test_a_palette_becomes_its_colours(tmp_path):
    image = Image.fromarray(_gradient() // 64 * 64).quantize(16)
    result = read_image(_saved(tmp_path, image))
    assert np.array_equal(result, np.array(image.convert("RGB")))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_exif_orientation_is_applied(tmp_path, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = Image.fromarray(_gradient())
    path = _saved(tmp_path, image, "x.png", exif=exif)
    from PIL import ImageOps

    with Image.open(path) as stored:
        expected = np.array(ImageOps.exif_transpose(stored))
    assert np.array_equal(read_image(path), expected)


def _truncated(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _text(path):
    path.write_text("no picture")


def _empty(path):
    path.write_bytes(b"")


def _missing(path):
    path.unlink()


def _folder(path):
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
@pytest.mark.parametrize("damage", [_truncated, _text, _empty, _missing, _folder])
def test_a_file_that_is_no_whole_image_is_one_sentence_with_its_path(tmp_path, damage, suffix):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    path = _saved(tmp_path, Image.fromarray(noise), f"bad{suffix}")
    damage(path)
    with pytest.raises(DataError) as caught:
        read_image(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_floating_point_pixels_are_refused(tmp_path):
    path = _saved(tmp_path, Image.new("F", (4, 4), 0.5), "x.tiff")
    with pytest.raises(DataError, match="floating-point"):
        read_image(path)


@pytest.mark.parametrize("suffix", [".gif", ".tif", ".webp", ".png"])
def test_a_file_of_several_pictures_is_refused_and_none_is_chosen(tmp_path, suffix):
    others = [Image.new("RGB", (30, 20), (shade, 0, 0)) for shade in (80, 200)]
    path = _saved(
        tmp_path, Image.fromarray(_gradient()), f"x{suffix}", save_all=True, append_images=others
    )
    with pytest.raises(DataError, match=rf"x{suffix} holds 3 pictures; make each a file"):
        read_image(path)


def test_a_reduced_copy_behind_a_page_is_no_second_picture(tmp_path):
    copy = Image.fromarray(_gradient(10, 15))
    copy.encoderinfo = {"tiffinfo": {254: 1}}
    path = _saved(
        tmp_path, Image.fromarray(_gradient()), "x.tif", save_all=True, append_images=[copy]
    )
    assert Image.open(path).n_frames == 2
    assert np.array_equal(read_image(path), _gradient())


def test_the_second_view_behind_a_photo_is_no_second_picture(tmp_path):
    second = Image.new("RGB", (30, 20))
    path = _saved(
        tmp_path, Image.fromarray(_gradient()), "x.mpo", save_all=True, append_images=[second]
    )
    assert Image.open(path).n_frames == 2
    assert read_image(path).shape == (20, 30, 3)
