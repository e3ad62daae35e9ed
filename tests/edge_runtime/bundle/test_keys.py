"""Keys in files: written for their owner alone, never replaced, and refused in one sentence."""

from __future__ import annotations

import hashlib
import shutil
import stat
import subprocess

import pytest

from edge_runtime.bundle.keys import (
    key_id,
    load_private_key,
    load_public_key,
    new_key,
    public_pem,
)
from edge_runtime.errors import OutputError, SignatureError
from tests.requirements import require_program


def test_a_new_key_is_only_its_owners_and_its_public_half_is_beside_it(tmp_path):
    key = new_key(tmp_path / "clinic.key", None)
    assert stat.S_IMODE((tmp_path / "clinic.key").stat().st_mode) == 0o600
    assert load_public_key(tmp_path / "clinic.pub") == key.public_key()
    assert load_private_key(tmp_path / "clinic.key").public_key() == key.public_key()


def test_two_keys_are_never_the_same(tmp_path):
    ids = {key_id(new_key(tmp_path / f"{i}.key", None).public_key()) for i in range(3)}
    assert len(ids) == 3


def test_the_key_id_is_what_openssl_hashes(tmp_path):
    openssl = require_program("openssl", "openssl")
    key = new_key(tmp_path / "clinic.key", None)
    der = subprocess.run(
        [openssl, "pkey", "-pubin", "-in", tmp_path / "clinic.pub", "-outform", "DER"],
        check=True,
        capture_output=True,
    ).stdout
    assert key_id(key.public_key()) == hashlib.sha256(der).hexdigest()


@pytest.mark.parametrize("taken", ["clinic.key", "clinic.pub"])
def test_a_key_is_never_replaced(tmp_path, taken):
    (tmp_path / taken).write_text("precious")
    with pytest.raises(OutputError, match="never replaced"):
        new_key(tmp_path / "clinic.key", None)
    assert (tmp_path / taken).read_text() == "precious"
    assert [path.name for path in tmp_path.iterdir()] == [taken]


def test_a_key_named_like_its_public_half_is_refused(tmp_path):
    with pytest.raises(OutputError, match=r"clinic\.pub"):
        new_key(tmp_path / "clinic.pub", None)


def test_a_passphrase_encrypts_the_key(tmp_path):
    key = new_key(tmp_path / "clinic.key", b"correct horse")
    assert b"ENCRYPTED" in (tmp_path / "clinic.key").read_bytes()
    again = load_private_key(tmp_path / "clinic.key", b"correct horse")
    assert again.public_key() == key.public_key()
    with pytest.raises(SignatureError, match="passphrase is wrong"):
        load_private_key(tmp_path / "clinic.key", b"battery staple")
    with pytest.raises(SignatureError, match="needs its passphrase"):
        load_private_key(tmp_path / "clinic.key")


@pytest.fixture
def rsa(tmp_path):
    """An RSA key in both halves: rsa.key, rsa.pub."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

    key = generate_private_key(65537, 2048)
    (tmp_path / "rsa.key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    (tmp_path / "rsa.pub").write_bytes(public_pem(key.public_key()))
    return tmp_path


def test_keys_of_another_kind_are_refused(rsa):
    with pytest.raises(SignatureError, match="no Ed25519 key"):
        load_private_key(rsa / "rsa.key")
    with pytest.raises(SignatureError, match="no Ed25519 key"):
        load_public_key(rsa / "rsa.pub")


@pytest.mark.parametrize("content", [b"", b"\0" * 50, b"-----BEGIN PUBLIC KEY-----\nAAAA\n"])
@pytest.mark.parametrize("load", [load_private_key, load_public_key])
def test_a_file_that_is_no_key_is_refused(tmp_path, content, load):
    (tmp_path / "x.pem").write_bytes(content)
    with pytest.raises(SignatureError, match=r"x\.pem"):
        load(tmp_path / "x.pem")


def test_a_huge_file_and_a_missing_one_are_no_keys(tmp_path):
    (tmp_path / "big.pem").write_bytes(b"x" * (1 << 17))
    with pytest.raises(SignatureError, match="is no key"):
        load_public_key(tmp_path / "big.pem")
    with pytest.raises(SignatureError, match="cannot be read"):
        load_public_key(tmp_path / "none.pem")


def test_the_private_half_is_not_taken_for_the_public_one(tmp_path):
    new_key(tmp_path / "clinic.key", None)
    shutil.copy(tmp_path / "clinic.key", tmp_path / "device.pub")
    with pytest.raises(SignatureError, match="is a private key"):
        load_public_key(tmp_path / "device.pub")
