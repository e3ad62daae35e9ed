"""Opening a bundle that was damaged, forged or exported by another version."""

from __future__ import annotations

import json
import os
import shutil
import stat

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge_runtime import open_bundle, open_reference
from edge_runtime.bundle import FileRecord, reference_path
from edge_runtime.bundle.keys import key_id
from edge_runtime.bundle.signature import sign_record
from edge_runtime.errors import ArtifactError, SignatureError
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
    reference = reference_path(tiny_bundle_path)
    assert open_reference(reference).sha256 == sha256_file(reference / "reference.json")


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
    there = {path.name for path in tiny_bundle_path.iterdir()}
    assert set(check.checked) == there - {"bundle.json"}
    check.require(tiny_bundle_path)


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
    with pytest.raises(ArtifactError) as caught:
        check.require(bundle_copy)
    assert str(caught.value) == (
        f"{bundle_copy} is not as it was exported (missing: int8.onnx; changed: features-mean.npy, "
        "int8.tflite; extra: new/notes.txt); copy it again."
    )


def test_the_reference_lies_beside_the_bundle(tiny_bundle_path):
    path = reference_path(f"{tiny_bundle_path}/")
    spec, data = open_reference(path).graph("float32")
    assert path.name == "tiny.reference"
    assert spec.precision == "float32"
    assert data


def test_an_absent_graph_is_told_with_what_there_is(tiny_bundle_path):
    with pytest.raises(ArtifactError, match=r"no float32 onnx graph.*cam\.onnx, \S+, .*\.tflite\."):
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
        (_remove, "does not exist; give the folder of a bundle"),
        (_to_file, "is a file; give the folder of a bundle"),
        (_no_record, "holds no bundle.json, so it is not a bundle; check the path"),
        (_run_of_training, "it is a run; make one: saliedge export"),
        (_half_record, "is damaged.*; copy a bundle again"),
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


def test_a_reference_is_refused_as_a_bundle_is(tiny_bundle_path, tmp_path):
    reference = shutil.copytree(reference_path(tiny_bundle_path), tmp_path / "copy.reference")
    record = json.loads((reference / "reference.json").read_text())
    (reference / "reference.json").write_text(json.dumps({**record, "schema": "2.0"}))
    with pytest.raises(ArtifactError, match=r"reference\.json cannot be used: .*update saliedge"):
        open_reference(reference)
    (reference / "reference.json").unlink()
    with pytest.raises(ArtifactError, match=r"holds no reference\.json, so it is not a reference"):
        open_reference(reference)


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


def _socket(path):
    path.unlink()
    os.mknod(path, stat.S_IFSOCK | 0o600)


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
        (_socket, r"cannot be read \(No such device or address\); check its permissions"),
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


class TestSignature:
    KEY, OTHER = (Ed25519PrivateKey.from_private_bytes(bytes([i]) * 32) for i in (1, 2))

    def test_a_bundle_without_one_has_none(self, tiny_bundle_path):
        bundle = open_bundle(tiny_bundle_path)
        assert bundle.read_signature() is None
        with pytest.raises(SignatureError, match=r"tiny\.edge is not signed"):
            bundle.verify_signature([self.KEY.public_key()])

    def test_it_covers_the_record_that_was_read(self, bundle_copy):
        bundle = open_bundle(bundle_copy)
        signed = sign_record(bundle.record, self.KEY).to_bytes()
        (bundle_copy / "bundle.sig").write_bytes(signed)
        assert bundle.read_signature() == signed
        signer = bundle.verify_signature([self.OTHER.public_key(), self.KEY.public_key()])
        assert signer == key_id(self.KEY.public_key())
        with pytest.raises(SignatureError, match=r"copy\.edge has no valid signature"):
            bundle.verify_signature([self.OTHER.public_key()])
        _edit_record(bundle_copy, lambda record: record.update(name="other"))
        with pytest.raises(SignatureError, match=r"copy\.edge was changed after it was signed"):
            open_bundle(bundle_copy).verify_signature([self.KEY.public_key()])

    @pytest.mark.parametrize("target", ["elsewhere.sig", "nowhere.sig"])
    def test_a_link_is_refused(self, bundle_copy, target):
        (bundle_copy.parent / "elsewhere.sig").touch()
        (bundle_copy / "bundle.sig").symlink_to(bundle_copy.parent / target)
        with pytest.raises(ArtifactError, match=r"bundle\.sig is a link"):
            open_bundle(bundle_copy).read_signature()

    def test_one_that_is_too_long_is_not_read(self, bundle_copy):
        with (bundle_copy / "bundle.sig").open("wb") as stream:
            stream.truncate((16 << 20) + 1)
        with pytest.raises(ArtifactError, match=r"16777217 bytes, at most 16777216 are"):
            open_bundle(bundle_copy).read_signature()
