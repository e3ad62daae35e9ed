"""DICOM frames against numbers worked out by hand."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydicom import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    HEVCMP51,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLSLossless,
    RLELossless,
)

from edge_runtime.errors import DataError
from tests.train.data.dicom_files import dicom, write_dicom
from train.data.dicom import is_dicom, read_dicom, read_header


def grey(path: Path, frame: int = 0) -> list[list[int]]:
    """One channel; all three are the same."""
    picture = read_dicom(path, frame)
    assert picture.dtype == np.uint8
    np.testing.assert_array_equal(picture[..., 0], picture[..., 1])
    np.testing.assert_array_equal(picture[..., 0], picture[..., 2])
    return picture[..., 0].tolist()


class TestWindow:
    def test_linear_is_the_standards_formula_on_rescaled_values(self, tmp_path: Path) -> None:
        # Values -1024, -160, 39.5 - 0.5, 40, 240: with c = 40 and w = 400 the window goes from
        # 39.5 - 199.5 = -160 (0) to 239 (255); 40 gives (0.5 / 399 + 0.5) * 255 = 127.82.
        stored = np.array([[0, 864, 1064, 1264]], dtype=np.uint16)
        path = write_dicom(
            tmp_path / "ct.dcm",
            stored,
            RescaleSlope="1",
            RescaleIntercept="-1024",
            WindowCenter="40",
            WindowWidth="400",
        )
        assert grey(path) == [[0, 0, 128, 255]]

    def test_the_slope_comes_before_the_window(self, tmp_path: Path) -> None:
        # 2 * 10 + 5 = 25 with c = 25.5, w = 51: ((25 - 25) / 50 + 0.5) * 255 = 127.5, up to 128.
        path = write_dicom(
            tmp_path / "a.dcm",
            np.array([[10]], dtype=np.uint16),
            RescaleSlope="2",
            RescaleIntercept="5",
            WindowCenter="25.5",
            WindowWidth="51",
        )
        assert grey(path) == [[128]]

    def test_the_first_of_several_windows_counts(self, tmp_path: Path) -> None:
        stored = np.array([[100, 300]], dtype=np.uint16)
        one = {"WindowCenter": "100.5", "WindowWidth": "101"}
        several = {"WindowCenter": ["100.5", "900"], "WindowWidth": ["101", "10"]}
        first = write_dicom(tmp_path / "one.dcm", stored, **one)
        assert grey(write_dicom(tmp_path / "several.dcm", stored, **several)) == grey(first)
        assert grey(first) == [[128, 255]]

    @pytest.mark.parametrize(
        ("function", "expected"),
        [
            # ((x - 100) / 100 + 0.5) * 255 at 75, 100 and 125.
            ("LINEAR_EXACT", [64, 128, 191]),
            # 255 / (1 + exp(-4 (x - 100) / 100)): exp(1) gives 68.6, exp(-1) 186.4.
            ("SIGMOID", [69, 128, 186]),
        ],
    )
    def test_the_functions_of_the_standard(
        self, tmp_path: Path, function: str, expected: list[int]
    ) -> None:
        path = write_dicom(
            tmp_path / "a.dcm",
            np.array([[75, 100, 125]], dtype=np.uint16),
            WindowCenter="100",
            WindowWidth="100",
            VOILUTFunction=function,
        )
        assert grey(path) == [expected]

    def test_a_look_up_table_takes_the_windows_place(self, tmp_path: Path) -> None:
        table = Dataset()
        table.LUTDescriptor = [4, 10, 8]
        table.LUTData = np.array([5, 50, 100, 250], dtype="<u2").tobytes()
        path = write_dicom(
            tmp_path / "a.dcm",
            np.array([[0, 10, 12, 13, 99]], dtype=np.uint16),
            VOILUTSequence=[table],
        )
        assert grey(path) == [[5, 5, 100, 250, 250]]

    def test_without_one_the_range_of_the_values_is_the_window(self, tmp_path: Path) -> None:
        stored = np.array([[-100, 0, 100, 155]], dtype=np.int16)
        assert grey(write_dicom(tmp_path / "a.dcm", stored)) == [[0, 100, 200, 255]]

    def test_padding_is_black_and_no_part_of_the_range(self, tmp_path: Path) -> None:
        stored = np.array([[-2000, 0, 51, 255]], dtype=np.int16)
        path = write_dicom(tmp_path / "a.dcm", stored, PixelPaddingValue=-2000)
        assert grey(path) == [[0, 0, 51, 255]]

    def test_8_bit_without_one_is_taken_as_it_is(self, tmp_path: Path) -> None:
        stored = np.array([[10, 20, 30]], dtype=np.uint8)
        rescale = {"RescaleSlope": "1", "RescaleIntercept": "0"}
        assert grey(write_dicom(tmp_path / "a.dcm", stored, **rescale)) == [[10, 20, 30]]

    def test_12_bit_in_16_is_read_by_its_values(self, tmp_path: Path) -> None:
        stored = np.array([[0, 2048, 4095]], dtype=np.uint16)
        path = write_dicom(
            tmp_path / "a.dcm", stored, BitsStored=12, WindowCenter="2048", WindowWidth="4096"
        )
        assert grey(path) == [[0, 128, 255]]

    def test_monochrome1_is_inverted(self, tmp_path: Path) -> None:
        stored = np.array([[0, 100, 255]], dtype=np.uint8)
        path = write_dicom(tmp_path / "a.dcm", stored, PhotometricInterpretation="MONOCHROME1")
        assert grey(path) == [[255, 155, 0]]


class TestFilm:
    def test_each_frame_is_read_on_its_own(self, tmp_path: Path) -> None:
        film = np.arange(3, dtype=np.uint8)[:, None, None] * np.ones((3, 2, 2), np.uint8)
        path = write_dicom(tmp_path / "film.dcm", film, NumberOfFrames=3)
        assert read_header(path).frames == 3
        assert [grey(path, frame)[0][0] for frame in range(3)] == [0, 1, 2]

    def test_a_frame_that_is_not_there_is_refused(self, tmp_path: Path) -> None:
        path = write_dicom(tmp_path / "a.dcm", np.zeros((2, 2), np.uint8))
        with pytest.raises(DataError, match="frame 1 of"):
            read_dicom(path, 1)

    def test_the_frames_own_group_comes_before_the_shared_one(self, tmp_path: Path) -> None:
        def window(centre: str) -> Dataset:
            macro, group = Dataset(), Dataset()
            macro.WindowCenter, macro.WindowWidth = centre, "11"
            group.FrameVOILUTSequence = [macro]
            return group

        film = np.full((2, 1, 1), 100, dtype=np.uint16)
        path = write_dicom(
            tmp_path / "film.dcm",
            film,
            NumberOfFrames=2,
            SharedFunctionalGroupsSequence=[window("100.5")],
            PerFrameFunctionalGroupsSequence=[Dataset(), window("200")],
        )
        assert (grey(path, 0), grey(path, 1)) == ([[128]], [[0]])


class TestColour:
    def test_rgb_is_as_it_is(self, tmp_path: Path) -> None:
        pixels = np.array([[[255, 0, 10], [1, 2, 3]]], dtype=np.uint8)
        np.testing.assert_array_equal(
            read_dicom(write_dicom(tmp_path / "a.dcm", pixels), 0), pixels
        )

    def test_planes_one_after_the_other_are_woven(self, tmp_path: Path) -> None:
        pixels = np.array([[[255, 0, 10], [1, 2, 3]]], dtype=np.uint8)
        planes = np.ascontiguousarray(pixels.transpose(2, 0, 1)).tobytes()
        path = write_dicom(tmp_path / "a.dcm", pixels, PlanarConfiguration=1, PixelData=planes)
        np.testing.assert_array_equal(read_dicom(path, 0), pixels)

    def test_ybr_becomes_rgb(self, tmp_path: Path) -> None:
        # Y = 76, Cb = 85, Cr = 255 is pure red by PS3.3, C.7.6.3.1.2.
        pixels = np.array([[[76, 85, 255], [128, 128, 128]]], dtype=np.uint8)
        path = write_dicom(tmp_path / "a.dcm", pixels, PhotometricInterpretation="YBR_FULL")
        red, middle = read_dicom(path, 0)[0].astype(int).tolist()
        assert red == pytest.approx([254, 0, 0], abs=2)
        assert middle == [128, 128, 128]

    def test_a_palette_is_looked_up_and_keeps_its_high_byte(self, tmp_path: Path) -> None:
        def table(*entries: int) -> bytes:
            return np.array(entries, dtype="<u2").tobytes()

        path = write_dicom(
            tmp_path / "a.dcm",
            np.array([[0, 1, 2]], dtype=np.uint8),
            PhotometricInterpretation="PALETTE COLOR",
            **{
                f"{c}PaletteColorLookupTableDescriptor": [3, 0, 16]
                for c in ("Red", "Green", "Blue")
            },
            RedPaletteColorLookupTableData=table(0xFF00, 0, 0x8000),
            GreenPaletteColorLookupTableData=table(0, 0xFFFF, 0x1234),
            BluePaletteColorLookupTableData=table(0, 0, 0x00FF),
        )
        assert read_dicom(path, 0).tolist() == [[[255, 0, 0], [0, 255, 0], [128, 18, 0]]]


class TestCompression:
    STORED = (np.arange(64 * 48) % 251).reshape(48, 64).astype(np.uint8)

    def test_rle_is_read_without_a_plugin(self, tmp_path: Path) -> None:
        dataset = dicom(self.STORED)
        dataset.compress(RLELossless)
        dataset.save_as(tmp_path / "a.dcm", enforce_file_format=True)
        assert grey(tmp_path / "a.dcm") == self.STORED.tolist()

    @pytest.mark.parametrize(
        ("syntax", "form", "options", "tolerance"),
        [
            (JPEGBaseline8Bit, "JPEG", {"quality": 95}, 8),
            (JPEG2000Lossless, "JPEG2000", {"irreversible": False, "no_jp2": True}, 0),
        ],
    )
    def test_jpeg_and_jpeg_2000_are_read_by_pillow(
        self, tmp_path: Path, syntax: str, form: str, options: dict[str, object], tolerance: int
    ) -> None:
        rows, columns = np.mgrid[:48, :64]
        smooth = (2 * rows + columns).astype(np.uint8)
        stream = io.BytesIO()
        Image.fromarray(smooth).save(stream, form, **options)
        dataset = dicom(smooth)
        dataset.file_meta.TransferSyntaxUID = syntax
        dataset.PixelData = encapsulate([stream.getvalue()])
        dataset["PixelData"].VR = "OB"
        dataset.save_as(tmp_path / "a.dcm", enforce_file_format=True)
        difference = np.array(grey(tmp_path / "a.dcm")) - smooth.astype(int)
        assert np.abs(difference).max() <= tolerance

    @pytest.mark.parametrize(
        ("syntax", "words"),
        [(JPEGLSLossless, "no decoder is installed; install one"), (HEVCMP51, "cannot be read")],
    )
    def test_a_missing_decoder_is_one_clear_sentence(
        self, tmp_path: Path, syntax: str, words: str
    ) -> None:
        dataset = dicom(self.STORED)
        dataset.file_meta.TransferSyntaxUID = syntax
        dataset.PixelData = encapsulate([b"\xff\xd8 not looked at"])
        dataset["PixelData"].VR = "OB"
        dataset.save_as(tmp_path / "a.dcm", enforce_file_format=True)
        with pytest.raises(DataError, match=words) as caught:
            read_dicom(tmp_path / "a.dcm", 0)
        assert syntax.name in str(caught.value)
        assert "\n" not in str(caught.value)


class TestFiles:
    def test_they_are_known_by_suffix_or_by_magic_number(self, tmp_path: Path) -> None:
        path = write_dicom(tmp_path / "1.2.840.7", np.zeros((2, 2), np.uint8))
        (tmp_path / "notes").write_text("text")
        assert is_dicom(path)
        assert is_dicom(tmp_path / "empty.DCM")
        assert not is_dicom(tmp_path / "notes")
        assert not is_dicom(tmp_path / "picture.png")

    @pytest.mark.parametrize("length", [0, 200, 700])
    def test_a_file_that_is_cut_short_is_an_error(self, tmp_path: Path, length: int) -> None:
        path = write_dicom(tmp_path / "a.dcm", np.zeros((32, 32), np.uint8), PatientID="Secret-7")
        path.write_bytes(path.read_bytes()[:length])
        with pytest.raises(DataError, match=r"a\.dcm") as caught:
            read_dicom(path, 0)
        assert "Secret" not in str(caught.value)

    def test_a_file_without_pictures_is_refused(self, tmp_path: Path) -> None:
        dataset = dicom(np.zeros((2, 2), np.uint8))
        for name in ("PixelData", "Rows", "Columns"):
            delattr(dataset, name)
        dataset.save_as(tmp_path / "report.dcm", enforce_file_format=True)
        with pytest.raises(DataError, match="holds no pictures"):
            read_header(tmp_path / "report.dcm")
