from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_runtime.errors import DataError
from train.data.sources import check_label, open_dataset, passed_over, recorded_source


def write_image(path: Path, value: int = 90, size: int = 40) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), np.full((size, size, 3), value, np.uint8))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for label in ("polyp", "normal"):
        for index in range(4):
            write_image(tmp_path / "set" / label / f"{index}.jpg", 40 * index)
    return tmp_path / "set"


def write_csv(folder: Path, text: str) -> Path:
    path = folder / "labels.csv"
    path.write_text(text, encoding="utf-8")
    return path


class TestFolder:
    def test_each_subfolder_is_a_class_and_each_image_its_own_group(self, folder: Path) -> None:
        dataset = open_dataset(folder)
        assert dataset.classes == ("normal", "polyp")
        assert dataset.counts() == {"normal": 4, "polyp": 4}
        assert dataset.samples[0].key == "normal/0.jpg"
        assert not dataset.has_groups

    def test_the_listing_hash_depends_on_names_and_labels_only(self, folder: Path) -> None:
        before = open_dataset(folder).listing_sha256
        write_image(folder / "polyp" / "0.jpg", 200)
        assert open_dataset(folder).listing_sha256 == before
        (folder / "polyp" / "0.jpg").rename(folder / "polyp" / "9.jpg")
        assert open_dataset(folder).listing_sha256 != before

    def test_hidden_folders_are_left_out(self, folder: Path) -> None:
        write_image(folder / ".thumbnails" / "0.jpg")
        assert open_dataset(folder).classes == ("normal", "polyp")

    def test_what_is_passed_over_is_counted(self, folder: Path) -> None:
        for name in ("a.GIF", "b.gif", "notes", ".hidden"):
            (folder / "polyp" / name).write_bytes(b"")
        write_image(folder / "normal" / "patient-1" / "0.jpg")
        assert passed_over(folder) == {".gif": 2, "folders": 1, "no suffix": 1}

    def test_of_a_listing_nothing_is_passed_over(self, folder: Path) -> None:
        (folder / "polyp" / "a.gif").write_bytes(b"")
        path = write_csv(folder, "file,label\n")
        assert [passed_over(source) for source in (folder, path, "synthetic:?count=9")] == [{}] * 3


class TestRecordedSource:
    def test_images_seen_from_another_folder_are_missing_from_there(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(folder.parent)
        assert recorded_source("set", Path("run"), "look") == "set"
        monkeypatch.chdir(folder)
        with pytest.raises(DataError) as raised:
            recorded_source("set", Path("run"), "look for them")
        assert str(raised.value) == (
            f"the images of run are not at set (seen from {folder}) any more; look for them."
        )

    def test_drawn_images_are_anywhere(self) -> None:
        assert recorded_source("synthetic:?count=9", Path("run"), "look") == "synthetic:?count=9"


class TestCsv:
    def test_groups_masks_and_parts_are_read_relative_to_the_file(self, folder: Path) -> None:
        write_image(folder / "masks" / "0.png")
        path = write_csv(
            folder,
            "file,label,group,mask,split\n"
            "polyp/0.jpg,polyp,p1,masks/0.png,train\n"
            "polyp/1.jpg,polyp,p2,,validation\n"
            "polyp/2.jpg,polyp,p3,,test\n"
            "normal/0.jpg,normal,p4,,train\n"
            "normal/1.jpg,normal,p5,,val\n"
            "normal/2.jpg,normal,p6,,TEST\n",
        )
        dataset = open_dataset(path)
        first = dataset.samples[0]
        assert (first.group, first.mask_path) == ("p1", folder / "masks" / "0.png")
        assert [sample.part for sample in dataset.samples] == ["train", "val", "test"] * 2
        assert dataset.has_own_split

    def test_a_folder_with_labels_csv_is_read_by_it(self, folder: Path) -> None:
        write_csv(
            folder,
            "file,label\npolyp/0.jpg,a\npolyp/1.jpg,a\nnormal/0.jpg,b\nnormal/1.jpg,b\n",
        )
        assert open_dataset(folder).classes == ("a", "b")

    @pytest.mark.parametrize("column", ["group", "patient", "patient_id"])
    def test_the_column_of_groups_may_be_called_after_patients(
        self, folder: Path, column: str
    ) -> None:
        rows = "polyp/0.jpg,a,p1\npolyp/1.jpg,a,p2\nnormal/0.jpg,b,p1\nnormal/1.jpg,b,\n"
        dataset = open_dataset(write_csv(folder, f"file,label,{column}\n{rows}"))
        assert [sample.group for sample in dataset.samples] == ["p1", "p2", "p1", "normal/1.jpg"]
        assert dataset.has_groups

    def test_a_byte_order_mark_is_no_part_of_the_first_column(self, folder: Path) -> None:
        text = "file,label\npolyp/0.jpg,a\npolyp/1.jpg,a\nnormal/0.jpg,b\nnormal/1.jpg,b\n"
        (folder / "labels.csv").write_text(text, encoding="utf-8-sig")
        assert len(open_dataset(folder).samples) == 4


GOOD = "polyp/0.jpg,a\npolyp/1.jpg,a\nnormal/0.jpg,b\n"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("", "no column 'file'"),
        ("file,class\n", "no column 'label'"),
        ("file,label,group,patient\n", "columns group and patient"),
        ("file,label\n", "lists no images"),
        (f"file,label\n{GOOD}normal/7.jpg,b\n", "line 5: the image"),
        (f"file,label\n{GOOD},b\n", "line 5: the column file is empty"),
        (f"file,label\n{GOOD}normal/0.jpg,b\n", "lists normal/0.jpg twice"),
        (f"file,label\n{GOOD}normal/1.jpg,\n", "line 5 is empty"),
        (f"file,label\n{GOOD}normal/1.jpg,b/c\n", "path separators"),
        (f"file,label\n{GOOD}normal/1.jpg,b\x1b[2J\n", "control characters"),
        (f"file,label\n{GOOD}normal/1.jpg,c\n", "one image only"),
        ("file,label\npolyp/0.jpg,a\npolyp/1.jpg,a\n", "one class only"),
        (f"file,label,mask\n{GOOD}normal/1.jpg,b,gone.png\n", "line 5: the mask"),
        (f"file,label,split\n{GOOD}normal/1.jpg,b,holdout\n", "'holdout'"),
        (
            "file,label,split\npolyp/0.jpg,a,train\npolyp/1.jpg,a,\nnormal/0.jpg,b,\n"
            "normal/1.jpg,b,\n",
            "for every image or for none",
        ),
    ],
)
def test_a_bad_csv_is_one_sentence_that_says_where(folder: Path, text: str, named: str) -> None:
    path = write_csv(folder, text)
    with pytest.raises(DataError) as caught:
        open_dataset(path)
    assert named in str(caught.value)
    assert "\n" not in str(caught.value)
    assert str(folder) in str(caught.value)


def test_a_folder_without_images_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no class folders"):
        open_dataset(tmp_path)


def test_an_empty_class_folder_is_refused(folder: Path) -> None:
    (folder / "empty").mkdir()
    with pytest.raises(DataError, match="empty holds no images"):
        open_dataset(folder)


def test_a_class_with_one_image_is_refused(folder: Path) -> None:
    write_image(folder / "rare" / "0.jpg")
    with pytest.raises(DataError, match=r"'rare' .* one image only"):
        open_dataset(folder)


def test_a_place_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no images at"):
        open_dataset(tmp_path / "nowhere")


class TestSynthetic:
    def test_it_has_groups_masks_to_come_and_balanced_classes(self) -> None:
        dataset = open_dataset("synthetic:?count=30&seed=2")
        assert dataset.counts() == {"inflamed": 10, "normal": 10, "polyp": 10}
        assert len({sample.group for sample in dataset.samples}) == 10
        assert all(sample.synthetic is not None for sample in dataset.samples)

    def test_other_seeds_share_no_image(self) -> None:
        seeds = [
            sample.synthetic.seed
            for seed in (0, 1)
            for sample in open_dataset(f"synthetic:?count=900&seed={seed}").samples
            if sample.synthetic is not None
        ]
        assert len(set(seeds)) == 1800

    def test_the_shortcut_goes_with_one_class(self) -> None:
        dataset = open_dataset("synthetic:?count=12&shortcut=inflamed")
        planted = {s.label for s in dataset.samples if s.synthetic and s.synthetic.shortcut}
        assert planted == {"inflamed"}

    @pytest.mark.parametrize(
        "option", ["count=0", "count=many", "seed=-1", "size=8", "colour=red", "shortcut=cat"]
    )
    def test_a_wrong_option_is_refused(self, option: str) -> None:
        with pytest.raises(DataError, match="wrong option"):
            open_dataset(f"synthetic:?{option}")


@given(st.text(max_size=120))
def test_a_label_that_passes_can_be_a_file_name_and_a_line_of_a_terminal(label: str) -> None:
    try:
        check_label(label, "here")
    except DataError as error:
        assert "\n" not in str(error)
        return
    assert label.isprintable() or " " in label or not label.isascii()
    assert Path(label).name == label
    assert len(label.splitlines()) == 1
