"""edge-infer from images to predictions, maps, pictures and films."""

from __future__ import annotations

import json
import re

import cv2
import numpy as np
import pytest

from edge_runtime import __version__, installed_engines, open_bundle
from edge_runtime.engines import ENGINES
from edge_runtime.infer.cli import infer
from edge_runtime.preprocessing import Preprocessing
from edge_runtime.region_of_interest import RegionOfInterest
from tests.edge_runtime import tiny_graphs

KEYS = [
    "time_utc",
    "source",
    "frame",
    "label",
    "probabilities",
    "saliency_class",
    "timings_ms",
    "bundle_sha256",
    "engine",
    "version",
    "age_ms",
    "shown_label",
    "shown_probability",
    "uncertain",
    "distance",
    "unfamiliar",
    "evidence",
]


def _lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.parametrize("engine", installed_engines())
def test_every_image_of_a_folder_is_classified(
    edge_infer, tiny_bundle_path, photos, tmp_path, engine
):
    out = tmp_path / "out.jsonl"
    end = edge_infer(
        "--bundle", tiny_bundle_path, "--source", photos, "--engine", engine, "--jsonl", out
    )
    assert end.code == 0
    records = _lines(out)
    assert [record["source"] for record in records] == ["a-red.png", "b/green.png", "c-blue.png"]
    assert [record["label"] for record in records] == ["red", "green", "blue"]
    assert {record["engine"] for record in records} == {engine}


def test_a_json_line_has_the_documented_keys(edge_infer, tiny_bundle_path, photos, tmp_path):
    out = tmp_path / "out.jsonl"
    edge_infer("--bundle", tiny_bundle_path, "--source", photos, "--jsonl", out)
    record = _lines(out)[1]
    assert list(record) == KEYS
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", record["time_utc"])
    assert record["frame"] == 0
    assert record["saliency_class"] is None
    assert record["evidence"] is None
    assert list(record["timings_ms"]) == ["capture", "preprocess", "infer"]
    assert record["bundle_sha256"] == open_bundle(tiny_bundle_path).sha256
    assert record["version"] == __version__


def test_probabilities_are_the_softmax_of_the_logits_over_the_temperature(
    edge_infer, tiny_bundle_path, photos, tmp_path
):
    out = tmp_path / "out.jsonl"
    edge_infer("--bundle", tiny_bundle_path, "--source", photos / "a-red.png", "--jsonl", out)
    image = cv2.imread(str(photos / "a-red.png"))[..., ::-1]
    network = Preprocessing(tiny_graphs.SIZE, tiny_graphs.SIZE).apply(image)
    powers = np.exp(tiny_graphs.expected_logits(network[None])[0] / 1.5)
    expected = dict(zip(tiny_graphs.CLASSES, powers / powers.sum(), strict=True))
    assert _lines(out)[0]["probabilities"] == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("mode", ["gradient", "cam"])
@pytest.mark.parametrize("engine", installed_engines())
def test_raw_maps_mirror_the_paths_of_the_images(
    edge_infer, tiny_bundle_path, photos, tmp_path, mode, engine
):
    maps = tmp_path / "maps"
    end = edge_infer(
        *("--bundle", tiny_bundle_path, "--source", photos, "--engine", engine),
        *("--saliency", mode, "--save-saliency", maps),
    )
    assert end.code == 0
    names = sorted(path.relative_to(maps).as_posix() for path in maps.rglob("*.npy"))
    assert names == ["a-red.npy", "b/green.npy", "c-blue.npy"]
    image = cv2.imread(str(photos / "b" / "green.png"))[..., ::-1]
    network = Preprocessing(tiny_graphs.SIZE, tiny_graphs.SIZE).apply(image)
    saliency = np.load(maps / "b" / "green.npy")
    assert saliency.dtype == np.float32
    expected = tiny_graphs.expected_saliency(network[None], mode)[0]
    np.testing.assert_allclose(saliency, expected, atol=1e-5)


def test_the_folder_of_maps_tells_where_they_lie_in_the_frame(
    edge_infer, tiny_bundle_path, photos, tmp_path
):
    maps = tmp_path / "maps"
    edge_infer(
        *("--bundle", tiny_bundle_path, "--source", photos),
        *("--saliency", "cam", "--save-saliency", maps),
    )
    record = json.loads((maps / "mapping.json").read_text())
    assert record["saliency"] == "cam"
    # 4 cells over the centred square of 40 pixels.
    assert record["frames"]["40x60"] == {
        "frame_hw": [40, 60],
        "map_hw": [4, 4],
        "scale_xy": [10.0, 10.0],
        "offset_xy": [10.0, 0.0],
    }


def test_a_region_of_interest_in_the_bundle_is_all_that_the_network_sees(
    edge_infer, photos, tmp_path
):
    # The coloured square of the photos: columns 20 to 35 of 60, rows 8 to 23 of 40.
    roi = RegionOfInterest(1 / 3, 0.2, 0.6, 0.6)
    size = tiny_graphs.SIZE
    bundle, maps = tmp_path / "region.edge", tmp_path / "maps"
    tiny_graphs.write_bundle(bundle, preprocessing=Preprocessing(size, size, "crop", roi))
    end = edge_infer(
        *("--bundle", bundle, "--source", photos / "b"),
        *("--saliency", "gradient", "--save-saliency", maps),
    )
    assert end.code == 0
    network = cv2.imread(str(photos / "b" / "green.png"))[8:24, 20:36, ::-1]
    expected = tiny_graphs.expected_saliency(network[None], "gradient")[0]
    np.testing.assert_allclose(np.load(maps / "green.npy"), expected, atol=1e-5)
    place = json.loads((maps / "mapping.json").read_text())["frames"]["40x60"]
    assert (place["offset_xy"], place["scale_xy"]) == ([20.0, 8.0], [1.0, 1.0])


def test_frames_of_a_video_are_numbered(edge_infer, tiny_bundle_path, film, tmp_path):
    film(tmp_path / "film.mp4", frames=3)
    maps, out = tmp_path / "maps", tmp_path / "out.jsonl"
    edge_infer(
        *("--bundle", tiny_bundle_path, "--source", tmp_path / "film.mp4"),
        *("--save-saliency", maps, "--jsonl", out),
    )
    names = sorted(path.name for path in maps.glob("*.npy"))
    assert names == ["film-000000.npy", "film-000001.npy", "film-000002.npy"]
    assert [record["frame"] for record in _lines(out)] == [0, 1, 2]
    assert {record["source"] for record in _lines(out)} == {"film.mp4"}


def test_the_class_to_explain_can_be_named(edge_infer, tiny_bundle_path, photos, tmp_path):
    out = tmp_path / "out.jsonl"
    end = edge_infer(
        *("--bundle", tiny_bundle_path, "--source", photos),
        *("--saliency-class", "blue", "--jsonl", out),
    )
    assert end.code == 0
    assert {record["saliency_class"] for record in _lines(out)} == {"blue"}
    assert [record["label"] for record in _lines(out)] == ["red", "green", "blue"]


def test_overlays_mirror_the_paths_of_the_images(edge_infer, tiny_bundle_path, photos, tmp_path):
    pictures = tmp_path / "pictures"
    edge_infer("--bundle", tiny_bundle_path, "--source", photos, "--save-overlay", pictures)
    names = sorted(path.relative_to(pictures).as_posix() for path in pictures.rglob("*.*"))
    assert names == ["a-red.jpg", "b/green.jpg", "c-blue.jpg"]
    assert cv2.imread(str(pictures / "b" / "green.jpg")).shape == (40, 60, 3)


def test_an_overlay_film_has_every_frame(edge_infer, tiny_bundle_path, tmp_path):
    target = tmp_path / "explained.mp4"
    end = edge_infer(
        *("--bundle", tiny_bundle_path, "--source", "synthetic:?width=64&height=48&frames=5"),
        *("--save-overlay", target),
    )
    assert end.code == 0
    capture = cv2.VideoCapture(str(target))
    frames = 0
    while capture.read()[0]:
        frames += 1
    assert frames == 5
    assert [path.name for path in tmp_path.iterdir()] == ["explained.mp4"]


def test_an_overlay_film_with_few_maps_has_every_frame(edge_infer, tiny_bundle_path, tmp_path):
    target, out, maps = tmp_path / "film.mp4", tmp_path / "out.jsonl", tmp_path / "maps"
    end = edge_infer(
        *("--bundle", tiny_bundle_path, "--source", "synthetic:?width=64&height=48&frames=5"),
        *("--save-overlay", target, "--saliency-every", 2, "--jsonl", out, "--save-saliency", maps),
    )
    assert end.code == 0
    assert cv2.VideoCapture(str(target)).get(cv2.CAP_PROP_FRAME_COUNT) == 5
    explained = [record["saliency_class"] is not None for record in _lines(out)]
    assert explained == [True, False, True, False, True]
    assert len(list(maps.glob("*.npy"))) == 3


def test_max_frames_ends_the_run(edge_infer, tiny_bundle_path, tmp_path):
    out = tmp_path / "out.jsonl"
    end = edge_infer(
        *("--bundle", tiny_bundle_path, "--source", "synthetic:?width=64&height=48"),
        *("--max-frames", 4, "--jsonl", out),
    )
    assert end.code == 0
    assert len(_lines(out)) == 4


def test_the_summary_tells_speed_memory_and_drops(edge_infer, tiny_bundle_path, photos):
    end = edge_infer("--bundle", tiny_bundle_path, "--source", photos)
    assert re.search(r"3 frames in [\d.]+ s: [\d.]+ FPS", end.out)
    assert re.search(r"p50 [\d.]+ ms, p90 [\d.]+ ms, p99 [\d.]+ ms", end.out)
    assert re.search(r"peak memory: \d+ MiB", end.out)
    assert "frames dropped: 0" in end.out
    assert "\r" not in end.err


def test_the_prediction_of_a_single_image_is_told(edge_infer, tiny_bundle_path, photos):
    photo = next(photos.rglob("*.png"))
    end = edge_infer("--bundle", tiny_bundle_path, "--source", photo)
    assert re.match(rf"{photo.name}: \w+ [\d.]+ %, \w+ [\d.]+ %, \w+ [\d.]+ %", end.out)
    assert re.search(r"latency \(preprocess \+ infer\): [\d.]+ ms$", end.out, re.M)
    assert "FPS" not in end.out


def test_a_single_image_unlike_the_training_is_told_as_such(edge_infer, tiny_bundle_path, tmp_path):
    """Without any output that shows the distance."""
    cv2.imwrite(str(tmp_path / "white.png"), np.full((16, 16, 3), 255, np.uint8))
    end = edge_infer("--bundle", tiny_bundle_path, "--source", tmp_path / "white.png")
    assert re.match(
        r"white.png: .*\(not to be relied on: .*unlike the training images\)\n", end.out
    )


def test_the_summary_counts_what_is_not_to_be_relied_on_and_why(
    edge_infer, tiny_bundle_path, photos
):
    cv2.imwrite(str(photos / "white.png"), np.full((16, 16, 3), 255, np.uint8))
    end = edge_infer("--bundle", tiny_bundle_path, "--source", photos)
    assert re.search(r"not to be relied on: 1 of 4 \(.*unlike the training images 1\)", end.out)


def test_a_run_that_shows_no_prediction_says_how_to_see_them(
    edge_infer, tiny_bundle_path, photos, tmp_path
):
    arguments = ("--bundle", tiny_bundle_path, "--source", photos)
    assert "--jsonl FILE" in edge_infer(*arguments).out
    assert "--jsonl FILE" not in edge_infer(*arguments, "--jsonl", tmp_path / "out.jsonl").out


def test_json_lines_on_stdout_leave_it_to_them(edge_infer, tiny_bundle_path, photos):
    end = edge_infer("--bundle", tiny_bundle_path, "--source", photos, "--jsonl", "-")
    assert [json.loads(line)["label"] for line in end.out.splitlines()] == ["red", "green", "blue"]
    assert "FPS" in end.err


def test_a_live_source_drops_frames_rather_than_lag(edge_infer, tiny_bundle_path, tmp_path):
    out = tmp_path / "out.jsonl"
    source = "synthetic:?width=64&height=48&frames=40&fps=1000"
    end = edge_infer("--bundle", tiny_bundle_path, "--source", source, "--jsonl", out)
    assert end.code == 0
    dropped = int(re.search(r"frames dropped: (\d+)", end.out)[1])
    frames = [record["frame"] for record in _lines(out)]
    assert len(frames) + dropped == 40
    assert frames == sorted(frames)
    assert frames[-1] == 39


def test_saliedge_infer_is_the_same_command(saliedge, tiny_bundle_path, photos):
    end = saliedge("infer", "--bundle", tiny_bundle_path, "--source", photos)
    assert end.code == 0
    assert "labels: red 1, green 1, blue 1" in end.out


def test_the_engines_of_the_option_are_those_of_the_registry():
    option = next(param for param in infer.params if param.name == "engine")
    assert list(option.type.choices) == list(ENGINES)
