"""From a configuration to arrays: which images, in which part, seen how."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge_runtime.errors import DataError, UsageError
from edge_runtime.region_of_interest import RegionOfInterest
from train.config import NetworkConfig, TrainConfig, resolve
from train.data import open_dataset
from train.data.split import read_split
from train.preparation import PreparedData, prepare
from train.run.progress import plain_reporter


def config(source: Path | str, **tables: dict[str, object]) -> TrainConfig:
    network = {"backbone": "small_cnn", "height": 32, "width": 32}
    return resolve(
        {
            **tables,
            "data": {"source": str(source), **tables.get("data", {})},
            "network": {**network, **tables.get("network", {})},
        }
    )


def prepared(settings: TrainConfig) -> PreparedData:
    with plain_reporter() as reporter:
        return prepare(settings, reporter)


@pytest.fixture
def films(tmp_path: Path) -> Path:
    """Two classes of twelve films, each of three frames that differ by one pixel's shift."""
    random = np.random.default_rng(0)
    for label in ("a", "b"):
        (tmp_path / "films" / label).mkdir(parents=True)
        for film in range(12):
            scene = cv2.resize(random.uniform(20, 230, (5, 5, 3)), (134, 128))
            for frame in range(3):
                path = tmp_path / "films" / label / f"{film:02d}-{frame}.png"
                cv2.imwrite(str(path), scene[:, frame : frame + 128].astype(np.uint8))
    return tmp_path / "films"


def torn_films(data: PreparedData) -> int:
    parts = defaultdict(set)
    for sample, part in zip(data.split.samples, data.split.parts, strict=True):
        parts[sample.key.rsplit("-")[0]].add(part)
    return sum(len(found) > 1 for found in parts.values())


class TestSkippedImages:
    def test_they_are_in_no_part_and_no_count(self, films: Path) -> None:
        (films / "a" / "00-0.png").write_bytes(b"no image")
        data = prepared(config(films, data={"skip_bad": True}))
        assert len(data.skipped) == 1
        assert sum(data.counts().values()) == 71
        assert data.dataset.counts() == {"a": 35, "b": 36}
        assert "00-0.png" not in data.split.csv_text.partition("b/")[0]

    def test_they_are_an_error_otherwise(self, films: Path) -> None:
        (films / "a" / "00-0.png").write_bytes(b"no image")
        with pytest.raises(DataError, match="00-0"):
            prepared(config(films))


class TestNearDuplicates:
    def test_without_groups_the_split_tears_films_apart(self, films: Path) -> None:
        assert torn_films(prepared(config(films))) > 5

    def test_groups_of_near_duplicates_keep_films_together(self, films: Path) -> None:
        data = prepared(config(films, data={"group_duplicates": True}))
        assert torn_films(data) == 0
        assert len({sample.group for sample in data.split.samples}) == 24

    def test_the_groups_come_back_with_the_split(self, films: Path, tmp_path: Path) -> None:
        data = prepared(config(films, data={"group_duplicates": True}))
        (tmp_path / "split.csv").write_text(data.split.csv_text)
        split = read_split(tmp_path / "split.csv", open_dataset(films))
        assert split.samples == data.split.samples
        assert split.has_groups


class TestRegion:
    @pytest.fixture
    def bordered(self, films: Path) -> Path:
        """The films with a black border of a whole frame's width to the left."""
        for path in films.rglob("*.png"):
            picture = cv2.imread(str(path))
            cv2.imwrite(str(path), np.concatenate([np.zeros_like(picture), picture], axis=1))
        return films

    def test_the_whole_frame_is_seen_by_default(self, bordered: Path) -> None:
        data = prepared(config(bordered, network={"fit": "stretch"}))
        assert data.preprocessing.roi is None
        assert not data.train.images[:, :, :16].any()

    def test_the_field_of_view_is_found_on_request(self, bordered: Path) -> None:
        data = prepared(config(bordered, network={"fit": "stretch", "roi": "auto"}))
        roi = data.preprocessing.roi
        assert roi is not None
        assert (roi.left, roi.top, roi.right, roi.bottom) == pytest.approx((0.5, 0, 1, 1), abs=0.01)
        assert data.train.images.any(axis=(1, 3)).all()

    def test_a_region_can_be_given(self, bordered: Path) -> None:
        network = {"roi": "0.5,0,1,1", "roi_shape": "ellipse"}
        data = prepared(config(bordered, network=network))
        assert data.preprocessing.roi == RegionOfInterest(0.5, 0.0, 1.0, 1.0, "ellipse")
        assert not data.train.images[:, 0, 0].any()

    @pytest.mark.parametrize("roi", ["middle", "0,0,1", "0.9,0,0.1,1"])
    def test_what_is_no_region_is_refused(self, roi: str) -> None:
        with pytest.raises(UsageError, match=r"auto, none or a region"):
            NetworkConfig(roi=roi)
