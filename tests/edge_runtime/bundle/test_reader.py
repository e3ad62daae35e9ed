"""Opening a bundle that was damaged, forged or exported by another version."""

from __future__ import annotations

import json
import os
import shutil

import numpy as np
import pytest

from edge_runtime import open_bundle, open_reference
from edge_runtime.bundle import FileRecord, reference_path
from edge_runtime.errors import ArtifactError
from edge_runtime.files import sha256_bytes, sha256_file
from tests.edge_runtime import tiny_graphs


@pytest.fixture
def bundle_copy(tiny_bundle_path, tmp_path):
    """A copy of the bundle that a test may damage."""
    return shutil.copytree(tiny_bundle_path, tmp_path / "copy.edge")


def _edit_record(path, change):
    record = json.loads((path / "bundle.json").read_text())
    change(record)
    (path / "bundle.json").write_text(json.dumps(record))


def _flip_byte(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def test_the_identity_is_the_hash_of_the_record(tiny_bundle_path):
    assert open_bundle(tiny_bundle_path).sha256 == sha256_file(tiny_bundle_path / "bundle.json")


@pytest.mark.parametrize("form", ["onnx", "tflite"])
@pytest.mark.parametrize("mode", ["none", "gradient", "cam"])
def test_each_graph_comes_with_its_verified_bytes(tiny_bundle_path, form, mode):
    spec, data = open_bundle(tiny_bundle_path).graph("int8", form, mode)
    assert (spec.format, spec.saliency) == (form, mode)
    assert data == (tiny_bundle_path / spec.file).read_bytes()


def test_arrays_are_read_verified(tiny_bundle_path):
    images = open_bundle(tiny_bundle_path).read_array("golden-images.npy")
    assert np.array_equal(images, tiny_graphs.golden_images())


def test_the_folder_may_be_reached_through_a_link(tiny_bundle_path, tmp_path):
    (tmp_path / "active.edge").symlink_to(tiny_bundle_path)
    open_bundle(tmp_path / "active.edge").graph()


def test_an_untouched_bundle_verifies(tiny_bundle_path):
    check = open_bundle(tiny_bundle_path).verify_files()
    assert check.passed
    assert len(check.checked) == 13


def test_verification_tells_missing_changed_and_extra_files_apart(bundle_copy):
    (bundle_copy / "int8.onnx").unlink()
    _flip_byte(bundle_copy / "int8.tflite")
    (bundle_copy / "features-mean.npy").unlink()
    (bundle_copy / "features-mean.npy").symlink_to("/dev/null")
    (bundle_copy / "new").mkdir()
    (bundle_copy / "new" / "notes.txt").touch()
    check = open_bundle(bundle_copy).verify_files()
    assert not check.passed
    assert check.missing == ("int8.onnx",)
    assert check.changed == ("features-mean.npy", "int8.tflite")
    assert check.extra == ("new/notes.txt",)


def test_the_reference_lies_beside_the_bundle(tiny_bundle_path):
    path = reference_path(f"{tiny_bundle_path}/")
    spec, data = open_reference(path).graph("float32")
    assert path.name == "tiny.reference"
    assert spec.precision == "float32"
    assert data


def test_an_absent_graph_is_told_with_what_there_is(tiny_bundle_path):
    with pytest.raises(ArtifactError, match=r"no float32 onnx graph.*int8-cam\.onnx"):
        open_bundle(tiny_bundle_path).graph("float32")


def _remove(path):
    shutil.rmtree(path)


def _to_file(path):
    shutil.rmtree(path)
    path.touch()


def _no_record(path):
    (path / "bundle.json").unlink()


def _run_of_training(path):
    (path / "bundle.json").rename(path / "best.safetensors")


def _half_record(path):
    text = (path / "bundle.json").read_text()
    (path / "bundle.json").write_text(text[: len(text) // 2])


def _binary_record(path):
    (path / "bundle.json").write_bytes(os.urandom(200))


def _list_record(path):
    (path / "bundle.json").write_text("[]")


def _deep_record(path):
    (path / "bundle.json").write_text("[" * 100_000)


def _linked_record(path):
    (path / "bundle.json").rename(path.with_name("elsewhere.json"))
    (path / "bundle.json").symlink_to(path.with_name("elsewhere.json"))


def _newer_major(path):
    _edit_record(path, lambda record: record.update(schema="2.0"))


def _traversal(path):
    def change(record):
        record["graphs"][0]["file"] = "../outside.onnx"
        record["files"]["../outside.onnx"] = record["files"].pop("int8.onnx")

    _edit_record(path, change)


@pytest.mark.parametrize(
    ("damage", "phrase"),
    [
        (_remove, "does not exist"),
        (_to_file, "is a file"),
        (_no_record, "holds no bundle.json"),
        (_run_of_training, "it is a run; make one: saliedge export"),
        (_half_record, "is damaged"),
        (_binary_record, "is damaged"),
        (_list_record, "is damaged"),
        (_deep_record, "is damaged"),
        (_linked_record, "is a link"),
        (_newer_major, "update saliedge"),
        (_traversal, "not allowed"),
    ],
)
def test_a_record_that_cannot_be_trusted_is_refused_on_opening(bundle_copy, damage, phrase):
    damage(bundle_copy)
    with pytest.raises(ArtifactError, match=phrase) as caught:
        open_bundle(bundle_copy)
    assert str(bundle_copy) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_newer_minor_is_opened(bundle_copy):
    _edit_record(bundle_copy, lambda record: record.update(schema="1.7", novelty=[1]))
    open_bundle(bundle_copy).graph()


def _missing(path):
    path.unlink()


def _shorter(path):
    path.write_bytes(path.read_bytes()[:-1])


def _longer(path):
    path.write_bytes(path.read_bytes() + b"\0")


def _link_out(path):
    path.rename(path.parent.with_name("outside"))
    path.symlink_to(path.parent.with_name("outside"))


def _link_in(path):
    path.rename(path.with_name("other"))
    path.symlink_to("other")


def _fifo(path):
    path.unlink()
    os.mkfifo(path)


@pytest.mark.parametrize(
    ("damage", "phrase"),
    [
        (_missing, "is missing"),
        (_flip_byte, "not the file that was exported"),
        (_shorter, "not the file that was exported"),
        (_longer, "not the file that was exported"),
        (_link_out, "is a link"),
        (_link_in, "is a link"),
        (_fifo, "not the file that was exported"),
    ],
)
def test_a_graph_file_that_is_not_as_listed_is_never_handed_out(bundle_copy, damage, phrase):
    damage(bundle_copy / "int8.onnx")
    with pytest.raises(ArtifactError, match=phrase) as caught:
        open_bundle(bundle_copy).graph()
    assert "int8.onnx" in str(caught.value)


def test_a_linked_folder_inside_the_bundle_is_refused(bundle_copy, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (bundle_copy / "int8.onnx").rename(outside / "int8.onnx")
    (bundle_copy / "sub").symlink_to(outside)

    def change(record):
        record["graphs"][0]["file"] = "sub/int8.onnx"
        record["files"]["sub/int8.onnx"] = record["files"].pop("int8.onnx")

    _edit_record(bundle_copy, change)
    with pytest.raises(ArtifactError, match="is a link"):
        open_bundle(bundle_copy).graph()


def test_pickled_arrays_are_refused(bundle_copy):
    np.save(bundle_copy / "features-mean.npy", np.array([{"x": 1}], dtype=object))
    data = (bundle_copy / "features-mean.npy").read_bytes()
    _edit_record(
        bundle_copy,
        lambda record: record["files"].update(
            {"features-mean.npy": FileRecord(sha256_bytes(data), len(data)).to_json()}
        ),
    )
    with pytest.raises(ArtifactError, match="no NumPy array"):
        open_bundle(bundle_copy).read_array("features-mean.npy")


def test_a_file_that_is_not_listed_is_not_read(tiny_bundle_path):
    with pytest.raises(ArtifactError, match="does not list"):
        open_bundle(tiny_bundle_path).read_file("bundle.json")
