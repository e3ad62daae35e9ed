"""What edge-infer says to bad input: one sentence, its exit code, and nothing half-written."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys

import pytest

from edge_runtime.classifier import Classifier
from edge_runtime.sinks import json_lines


def _names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def bundle_copy(tiny_bundle_path, tmp_path):
    return shutil.copytree(tiny_bundle_path, tmp_path / "copy.edge")


def _flip(bundle):
    data = bytearray((bundle / "int8.onnx").read_bytes())
    data[100] ^= 1
    (bundle / "int8.onnx").write_bytes(data)


def _newer(bundle):
    record = json.loads((bundle / "bundle.json").read_text())
    (bundle / "bundle.json").write_text(json.dumps({**record, "schema": "9.0"}))


@pytest.mark.parametrize(
    ("damage", "phrase"),
    [
        (shutil.rmtree, "does not exist"),
        (lambda bundle: (bundle / "bundle.json").unlink(), "holds no bundle.json"),
        (lambda bundle: (bundle / "int8.onnx").unlink(), "is missing"),
        (_flip, "not the file that was exported"),
        (_newer, "update saliedge"),
    ],
    ids=["no folder", "no record", "no graph", "flipped byte", "newer schema"],
)
def test_a_bundle_that_cannot_be_trusted(edge_infer, bundle_copy, photos, damage, phrase):
    damage(bundle_copy)
    end = edge_infer("--bundle", bundle_copy, "--source", photos, "--engine", "onnx")
    assert end.code == 4
    assert phrase in end.err
    assert end.err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "code", "phrase"),
    [
        ([], 2, "either --camera or --source"),
        (["--source", "a.jpg", "b.jpg"], 2, "--source takes one name"),
        (["--source", "photos/*.jpg"], 3, "name the folder, without a pattern"),
        (["--camera", "0", "--source", "x"], 2, "either --camera or --source"),
        (["--camera", "webcam"], 2, "a number, /dev/video* or picamera2"),
        (["--camera", "987"], 6, "There is no camera /dev/video987"),
        (["--camera", "/dev/video987"], 6, "There is no camera"),
        (["--camera", "0", "--camera-size", "big"], 2, "WIDTHxHEIGHT"),
        (["--camera", "0", "--camera-format", "RGB888"], 2, "four characters"),
        (["--source", "PHOTOS", "--camera-fps", "5"], 2, "are for --camera"),
        (["--source", "/nowhere/at/all"], 3, "does not exist"),
        (["--source", "ftp://host/film.mp4"], 2, "use one of"),
        (["--source", "synthetic:?speed=9"], 2, "not understood"),
        (["--source", "PHOTOS", "--engine", "tensorrt"], 2, "tensorrt"),
        (["--source", "PHOTOS", "--saliency", "occlusion"], 2, "occlusion"),
        (["--source", "PHOTOS", "--saliency-class", "violet"], 2, "red, green, blue"),
        (["--source", "PHOTOS", "--saliency", "none", "--save-saliency", "x"], 2, "need a map"),
        (["--source", "PHOTOS", "--saliency", "cam", "--saliency-copies", "4"], 2, "averages grad"),
        (["--source", "PHOTOS", "--saliency-copies", "4"], 2, "averages gradients"),
        (["--source", "PHOTOS", "--max-frames", "0"], 2, "max-frames"),
        (["--source", "PHOTOS", "--threads", "0"], 2, "threads"),
        (["--source", "PHOTOS", "--jsonl", "/sys/x.jsonl"], 7, "/sys/x.jsonl"),
        (["--source", "PHOTOS", "--save-saliency", "/sys/maps"], 7, "/sys/maps"),
        (["--source", "PHOTOS", "--save-saliency", "/proc/maps"], 7, "/proc/maps"),
        (["--source", "PHOTOS", "--jsonl", "PHOTOS/a-red.png/x.jsonl"], 7, "in the way"),
    ],
)
def test_a_wrong_word_is_one_sentence(
    edge_infer, tiny_bundle_path, photos, arguments, code, phrase
):
    arguments = [argument.replace("PHOTOS", str(photos)) for argument in arguments]
    end = edge_infer("--bundle", tiny_bundle_path, *arguments)
    assert end.code == code
    assert phrase in end.err
    assert "Traceback" not in end.err


def test_a_folder_without_images(edge_infer, tiny_bundle_path, tmp_path):
    (tmp_path / "empty").mkdir()
    end = edge_infer("--bundle", tiny_bundle_path, "--source", tmp_path / "empty")
    assert end.code == 3
    assert "holds no images" in end.err


@pytest.fixture
def photos_with_junk(photos):
    (photos / "b" / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 junk")
    return photos


def test_a_corrupt_image_ends_the_run_and_leaves_no_predictions(
    edge_infer, tiny_bundle_path, photos_with_junk, tmp_path
):
    (tmp_path / "out").mkdir()
    end = edge_infer(
        *("--bundle", tiny_bundle_path, "--source", photos_with_junk),
        *("--jsonl", tmp_path / "out" / "out.jsonl"),
    )
    assert end.code == 3
    assert "broken.jpg is damaged or no image" in end.err
    assert "leave such files out with --skip-bad." in end.err
    assert _names(tmp_path / "out") == []


def test_a_corrupt_image_is_listed_and_skipped_when_asked(
    edge_infer, tiny_bundle_path, photos_with_junk, tmp_path
):
    out = tmp_path / "out.jsonl"
    end = edge_infer(
        *("--bundle", tiny_bundle_path, "--source", photos_with_junk, "--jsonl", out, "--skip-bad")
    )
    assert end.code == 0
    assert "Skipped" in end.err
    assert "broken.jpg" in end.err
    assert "unreadable files skipped: 1" in end.out
    assert len(out.read_text().splitlines()) == 3


def test_nothing_but_corrupt_images_is_an_error_even_then(edge_infer, tiny_bundle_path, tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "x.png").write_bytes(b"junk")
    out = tmp_path / "out.jsonl"
    out.write_text("old")
    end = edge_infer(
        *("--bundle", tiny_bundle_path, "--source", tmp_path / "photos", "--skip-bad"),
        *("--jsonl", out, "--force"),
    )
    assert end.code == 3
    assert "no readable image" in end.err
    assert out.read_text() == "old"


@pytest.mark.parametrize(
    ("option", "name"),
    [("--jsonl", "x.jsonl"), ("--save-saliency", "maps"), ("--save-overlay", "x.mp4")],
)
def test_an_earlier_output_is_replaced_only_with_force(
    edge_infer, tiny_bundle_path, photos, tmp_path, option, name
):
    arguments = ("--bundle", tiny_bundle_path, "--source", photos, option, tmp_path / name)
    assert edge_infer(*arguments).code == 0
    end = edge_infer(*arguments)
    assert end.code == 7
    assert "--force" in end.err
    assert edge_infer(*arguments, "--force").code == 0


def test_two_images_that_would_share_a_file_are_told_apart(
    edge_infer, tiny_bundle_path, photos, tmp_path
):
    shutil.copy(photos / "a-red.png", photos / "a-red.bmp")
    end = edge_infer(
        *("--bundle", tiny_bundle_path, "--source", photos, "--save-saliency", tmp_path / "maps")
    )
    assert end.code == 7
    assert "a-red.bmp and a-red.png would both be written" in end.err


def test_a_full_disk_is_one_sentence_and_leaves_the_earlier_file(
    edge_infer, tiny_bundle_path, photos, tmp_path, monkeypatch
):
    class OnFullDisk(json_lines.JsonLinesSink):
        def __init__(self, *arguments):
            super().__init__(*arguments)
            self._stream.close()
            self._stream = open("/dev/full", "w")  # noqa: PTH123, SIM115

    monkeypatch.setattr("edge_runtime.infer.run.JsonLinesSink", OnFullDisk)
    out = tmp_path / "out.jsonl"
    out.write_text("old")
    end = edge_infer("--bundle", tiny_bundle_path, "--source", photos, "--jsonl", out, "--force")
    assert end.code == 7
    assert f"{out}: the disk is full" in end.err
    assert out.read_text() == "old"
    assert _names(tmp_path) == ["out.jsonl", "photos"]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_the_run_in_order_with_what_was_written(
    edge_infer, tiny_bundle_path, tmp_path, monkeypatch, number, code
):
    classify = Classifier.classify

    def classify_until_signal(self, frame):
        if frame.index == 2:
            signal.raise_signal(number)
        return classify(self, frame)

    monkeypatch.setattr(Classifier, "classify", classify_until_signal)
    out = tmp_path / "out.jsonl"
    end = edge_infer(
        *("--bundle", tiny_bundle_path, "--source", "synthetic:?width=64&height=48"),
        *("--jsonl", out, "--save-overlay", tmp_path / "film.mp4"),
    )
    assert end.code == code
    assert [json.loads(line)["frame"] for line in out.read_text().splitlines()] == [0, 1, 2]
    assert _names(tmp_path) == ["film.mp4", "out.jsonl"]
    assert "3 frames in" in end.out


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_real_process_on_a_live_source_ends_in_order(tiny_bundle_path, number, code):
    command = [
        *(sys.executable, "-m", "edge_runtime.infer.cli", "--bundle", str(tiny_bundle_path)),
        *("--source", "synthetic:?width=64&height=48&fps=200", "--jsonl", "-", "--threads", "1"),
    ]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ}
    ) as process:
        first = [process.stdout.readline() for _ in range(3)]
        process.send_signal(number)
        rest, err = process.communicate(timeout=60)
    assert process.returncode == code
    for line in [*first, *rest.splitlines()]:
        json.loads(line)
    assert "frames dropped" in err
    assert "Traceback" not in err


def test_a_lost_camera_keeps_what_was_recorded(edge_infer, tiny_bundle_path, tmp_path, monkeypatch):
    from edge_runtime.errors import SourceError
    from edge_runtime.sources.synthetic import SyntheticSource

    give = SyntheticSource.__iter__

    def give_three(self):
        frames = give(self)
        for _ in range(3):
            yield next(frames)
        raise SourceError("The camera /dev/video0 gives no frames; check its cable.")

    monkeypatch.setattr(SyntheticSource, "__iter__", give_three)
    out = tmp_path / "out.jsonl"
    end = edge_infer(
        *("--bundle", tiny_bundle_path, "--source", "synthetic:?width=64&height=48"),
        *("--jsonl", out),
    )
    assert end.code == 6
    assert "check its cable" in end.err
    assert "3 frames in" in end.out
    assert len(out.read_text().splitlines()) == 3


@pytest.mark.parametrize(
    ("source", "option", "target"),
    [
        ("", "--save-overlay", ""),
        ("", "--save-overlay", "explained"),
        ("", "--save-saliency", ".."),
        ("PHOTO", "--jsonl", "PHOTO"),
        ("", "--jsonl", "PHOTO"),
    ],
)
def test_outputs_never_replace_the_images(
    edge_infer, tiny_bundle_path, photos, source, option, target
):
    files = sorted(path for path in photos.rglob("*") if path.is_file())
    before = [path.read_bytes() for path in files]
    first = str(files[0].relative_to(photos))
    end = edge_infer(
        *("--bundle", tiny_bundle_path, "--source", photos / source.replace("PHOTO", first)),
        *(option, photos / target.replace("PHOTO", first), "--force"),
    )
    assert end.code == 7
    assert "choose a place outside" in end.err
    assert sorted(path for path in photos.rglob("*") if path.is_file()) == files
    assert [path.read_bytes() for path in files] == before


def test_a_pipe_is_no_output(edge_infer, tiny_bundle_path, photos, tmp_path):
    pipe = tmp_path / "pipe.jsonl"
    os.mkfifo(pipe)
    end = edge_infer("--bundle", tiny_bundle_path, "--source", photos, "--jsonl", pipe, "--force")
    assert end.code == 7
    assert "a device or a pipe" in end.err
    assert pipe.is_fifo()
