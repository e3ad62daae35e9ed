"""A signature vouches for one record, byte for byte, by one key; anything else is refused."""

from __future__ import annotations

import base64
import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from edge_runtime.bundle.keys import key_id
from edge_runtime.bundle.signature import PAYLOAD_TYPE, Envelope, sign_record, verify_signature
from edge_runtime.errors import SignatureError

RECORD = b'{"schema": "1.2", "name": "model"}\n'
OURS, THEIRS = (Ed25519PrivateKey.from_private_bytes(bytes([i]) * 32) for i in (1, 2))
SIGNED = sign_record(RECORD, OURS)


def test_a_signed_record_names_its_signer():
    signer = verify_signature(RECORD, SIGNED.to_bytes(), [OURS.public_key()])
    assert signer == key_id(OURS.public_key())


def test_the_signed_bytes_are_those_of_dsse():
    envelope = Envelope("http://example.com/HelloWorld", b"hello world", ())
    expected = b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    assert envelope.signed_bytes == expected  # the protocol's own example


def test_any_trusted_key_is_enough():
    keys = [THEIRS.public_key(), OURS.public_key()]
    assert verify_signature(RECORD, SIGNED.to_bytes(), keys) == key_id(OURS.public_key())


def test_another_key_is_refused():
    with pytest.raises(SignatureError, match="no valid signature by a trusted key"):
        verify_signature(RECORD, SIGNED.to_bytes(), [THEIRS.public_key()])


def test_no_key_at_all_trusts_nobody():
    with pytest.raises(SignatureError, match="no valid signature"):
        verify_signature(RECORD, SIGNED.to_bytes(), [])


def test_an_unsigned_bundle_is_refused():
    with pytest.raises(SignatureError, match=r"x\.edge is not signed"):
        verify_signature(RECORD, None, [OURS.public_key()], "x.edge")


def test_a_signature_of_another_record_is_refused():
    with pytest.raises(SignatureError, match="the bundle was changed after it was signed"):
        verify_signature(RECORD + b" ", SIGNED.to_bytes(), [OURS.public_key()])


@given(position=st.integers(0, len(SIGNED.to_bytes()) - 1), bit=st.integers(0, 7))
def test_one_flipped_bit_verifies_nothing_but_the_record_itself(position, bit):
    """The envelope's own spelling (a space, the hint) may vary; what it vouches for may not."""
    data = bytearray(SIGNED.to_bytes())
    data[position] ^= 1 << bit
    try:
        verify_signature(RECORD, bytes(data), [OURS.public_key()])
    except SignatureError:
        return
    read = Envelope.from_bytes(bytes(data))
    assert (read.payload_type, read.payload) == (PAYLOAD_TYPE, RECORD)
    assert read.signatures[0].sig == SIGNED.signatures[0].sig


@given(st.binary(max_size=400))
def test_noise_is_refused(data):
    with pytest.raises(SignatureError):
        verify_signature(RECORD, data, [OURS.public_key()])


def _envelope(**changes):
    return json.dumps({**json.loads(SIGNED.to_bytes()), **changes}).encode()


@pytest.mark.parametrize(
    ("envelope", "reason"),
    [
        (_envelope(payloadType="application/vnd.in-toto+json"), "signs something else"),
        (_envelope(payload="not base64!"), "'payload' is not base64"),
        (_envelope(payload=json.loads(SIGNED.to_bytes())["payload"] + "*"), "is not base64"),
        (_envelope(signatures=[]), "does not hold 1 to 64"),
        (_envelope(signatures=[{"sig": "AA=="}] * 65), "does not hold 1 to 64"),
        (_envelope(signatures=[{"keyid": "\u001b[31m", "sig": "AA=="}]), "key id is not 64"),
        (_envelope(signatures=[{"keyid": ""}]), "sig"),
        (b"[" * 100_000, "nested too deeply"),
        (b"null", "no JSON object"),
    ],
    ids=["type", "payload", "more", "none", "too many", "key id", "no sig", "deep", "null"],
)
def test_an_envelope_that_is_none_is_called_damaged(envelope, reason):
    with pytest.raises(SignatureError, match=f"signature of x.edge is damaged.*{reason}"):
        verify_signature(RECORD, envelope, [OURS.public_key()], "x.edge")


def test_up_to_64_signatures_are_read():
    others = json.loads(_envelope(signatures=[{"sig": "AA=="}] * 63))["signatures"]
    ours = json.loads(SIGNED.to_bytes())["signatures"]
    assert verify_signature(RECORD, _envelope(signatures=others + ours), [OURS.public_key()])


def test_an_envelope_comes_back_as_it_was():
    assert Envelope.from_bytes(SIGNED.to_bytes()) == SIGNED
    assert json.loads(SIGNED.to_bytes())["signatures"][0]["keyid"] == key_id(OURS.public_key())


@pytest.mark.parametrize("length", [0, 63, 65])
def test_a_signature_of_another_length_is_no_signature(length):
    short = base64.b64encode(b"\1" * length).decode()
    with pytest.raises(SignatureError, match="no valid signature"):
        verify_signature(RECORD, _envelope(signatures=[{"sig": short}]), [OURS.public_key()])


def test_a_signature_of_the_same_bytes_as_something_else_is_none():
    other = Envelope("text/plain", RECORD, ())
    sig = base64.b64encode(OURS.sign(other.signed_bytes)).decode()
    with pytest.raises(SignatureError, match="no valid signature"):
        verify_signature(RECORD, _envelope(signatures=[{"sig": sig}]), [OURS.public_key()])


def test_a_second_signer_is_added_and_signing_again_adds_nothing():
    both = sign_record(RECORD, THEIRS, sign_record(RECORD, OURS, SIGNED))
    assert len(both.signatures) == 2
    for key in (OURS, THEIRS):
        signer = verify_signature(RECORD, both.to_bytes(), [key.public_key()])
        assert signer == key_id(key.public_key())


def test_signatures_of_an_earlier_record_are_dropped():
    assert len(sign_record(RECORD + b" ", THEIRS, SIGNED).signatures) == 1
