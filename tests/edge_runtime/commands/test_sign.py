"""saliedge keys, sign and verify: from a new key to a bundle that a device can trust."""

from __future__ import annotations

import json
import re
import shutil
import sys

import pytest

from edge_runtime.bundle.keys import key_id, load_public_key


@pytest.fixture
def bundle_copy(tiny_bundle_path, tmp_path):
    return shutil.copytree(tiny_bundle_path, tmp_path / "copy.edge")


@pytest.fixture
def key(saliedge, tmp_path):
    assert saliedge("keys", "new", tmp_path / "clinic.key").code == 0
    return tmp_path / "clinic.key"


@pytest.fixture
def signed(saliedge, bundle_copy, key):
    assert saliedge("sign", bundle_copy, "--key", key).code == 0
    return bundle_copy


def test_a_signed_bundle_verifies_with_the_public_key(saliedge, signed, key):
    end = saliedge("verify", signed, "--files-only", "--public-key", key.with_suffix(".pub"))
    assert end.code == 0
    assert f"signed by     {key_id(load_public_key(key.with_suffix('.pub')))}" in end.out
    assert re.search(r"\b(\d+) of \1 files", end.out)


def test_without_a_key_a_signature_is_shown_as_unchecked(saliedge, signed, bundle_copy):
    assert "unchecked: give --public-key" in saliedge("verify", signed, "--files-only").out
    (bundle_copy / "bundle.sig").unlink()
    assert "not signed" in saliedge("verify", bundle_copy, "--files-only").out


def test_a_record_altered_after_signing_is_told_even_without_a_key(saliedge, signed):
    record = json.loads((signed / "bundle.json").read_text())
    (signed / "bundle.json").write_text(json.dumps({**record, "temperature": 1.0}))
    end = saliedge("verify", signed, "--files-only")
    assert end.code == 9
    assert "changed after it was signed" in end.err


@pytest.mark.parametrize("problem", ["unsigned", "another key", "no key file", "no key"])
def test_a_required_signature_that_is_not_there_fails_in_one_sentence(
    saliedge, signed, key, tmp_path, problem
):
    public = key.with_suffix(".pub")
    if problem == "unsigned":
        (signed / "bundle.sig").unlink()
    elif problem == "another key":
        saliedge("keys", "new", tmp_path / "other.key")
        public = tmp_path / "other.pub"
    elif problem == "no key file":
        public.unlink()
    else:
        public.write_text("nothing")
    end = saliedge("verify", signed, "--files-only", "--public-key", public)
    assert end.code == 9
    assert end.err.count("\n") == 1


def test_an_altered_file_fails_though_the_signature_is_good(saliedge, signed, key):
    data = bytearray((signed / "int8.onnx").read_bytes())
    data[40] ^= 1
    (signed / "int8.onnx").write_bytes(data)
    end = saliedge("verify", signed, "--public-key", key.with_suffix(".pub"))
    assert end.code == 4
    assert "changed: int8.onnx" in end.err


def test_a_damaged_bundle_is_not_signed(saliedge, bundle_copy, key):
    (bundle_copy / "int8.onnx").unlink()
    end = saliedge("sign", bundle_copy, "--key", key)
    assert end.code == 4
    assert not (bundle_copy / "bundle.sig").exists()


def test_a_second_signer_is_added(saliedge, signed, key, tmp_path):
    saliedge("keys", "new", tmp_path / "second.key")
    assert "2 signatures" in saliedge("sign", signed, "--key", tmp_path / "second.key").out
    for name in ("clinic.pub", "second.pub"):
        end = saliedge("verify", signed, "--files-only", "--public-key", tmp_path / name)
        assert end.code == 0


def test_a_damaged_signature_is_replaced_by_signing_again(saliedge, signed, key):
    (signed / "bundle.sig").write_text("{")
    assert saliedge("verify", signed, "--files-only").code == 9
    assert saliedge("sign", signed, "--key", key).code == 0
    assert saliedge("verify", signed, "--files-only").code == 0


def test_an_encrypted_key_takes_its_passphrase_from_a_file(saliedge, bundle_copy, tmp_path):
    (tmp_path / "secret").write_text("correct horse\n")
    (tmp_path / "wrong").write_text("battery staple\n")
    key = tmp_path / "clinic.key"
    assert saliedge("keys", "new", key, "--passphrase-file", tmp_path / "secret").code == 0
    for name, code in (("wrong", 9), ("secret", 0)):
        end = saliedge("sign", bundle_copy, "--key", key, "--passphrase-file", tmp_path / name)
        assert end.code == code


def test_show_prints_the_public_half_of_either_half(saliedge, key):
    public = key.with_suffix(".pub").read_text()
    for half in (key, key.with_suffix(".pub")):
        assert saliedge("keys", "show", half).out.endswith(public)


def test_without_the_extra_one_sentence_names_it(saliedge, signed, key, monkeypatch):
    for name in [name for name in sys.modules if name.partition(".")[0] == "cryptography"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "cryptography", None)
    end = saliedge("verify", signed, "--files-only", "--public-key", key.with_suffix(".pub"))
    assert end.code == 5
    assert "pip install 'saliedge[sign]'" in end.err
