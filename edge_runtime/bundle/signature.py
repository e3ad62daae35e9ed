"""``bundle.sig``: who vouches for ``bundle.json``, and through its hashes for every file.

The file is a DSSE envelope (Dead Simple Signing Envelope 1.0.2, as OpenSSF model signing and
in-toto use it): ``{"payloadType", "payload", "signatures": [{"keyid", "sig"}]}``. Its payload is
``bundle.json`` byte for byte, in base64; each signature is Ed25519 (RFC 8032) over

    "DSSEv1" SP LEN(payloadType) SP payloadType SP LEN(payload) SP payload

so that a signature of something else cannot be passed off as one of a bundle. ``keyid`` is a hint
and is not trusted. What a bundle says is believed only from the bytes that were verified.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from edge_runtime.bundle import fields
from edge_runtime.bundle.formats import read_json_object
from edge_runtime.bundle.keys import key_id
from edge_runtime.errors import SignatureError
from edge_runtime.quick_dataclass import dataclass

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (
        Ed25519PrivateKey,
        Ed25519PublicKey,
    )

__all__ = [
    "PAYLOAD_TYPE",
    "Envelope",
    "Signature",
    "sign_record",
    "signed_envelope",
    "verify_signature",
]

PAYLOAD_TYPE = "application/vnd.saliedge.bundle+json"

_KEY_ID = re.compile(r"[0-9a-f]{64}")
_MOST_SIGNATURES = 64


@dataclass(frozen=True)
class Signature:
    """One signature of an envelope.

    Attributes:
        keyid: id of the key that is said to have made it, or empty; a hint, not trusted.
        sig: 64 bytes, if it is one of ours.
    """

    keyid: str
    sig: bytes

    def __post_init__(self) -> None:
        if self.keyid and not _KEY_ID.fullmatch(self.keyid):
            raise ValueError("the key id is not 64 lower-case hexadecimal digits")

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that :meth:`from_json` reads."""
        return {"keyid": self.keyid, "sig": base64.b64encode(self.sig).decode()}

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Signature:
        """Build from a JSON object; ``ValueError`` names the field that is wrong."""
        return cls(fields.text(record, "keyid", ""), _decoded(record, "sig"))


@dataclass(frozen=True)
class Envelope:
    """What a ``bundle.sig`` holds.

    Attributes:
        payload_type: what the payload is.
        payload: what was signed.
        signatures: by whom; none of them is verified yet.
    """

    payload_type: str
    payload: bytes
    signatures: tuple[Signature, ...]

    @property
    def signed_bytes(self) -> bytes:
        """What a signature covers: DSSE's pre-authentication encoding."""
        kind = self.payload_type.encode()
        return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(self.payload), self.payload)

    def to_bytes(self) -> bytes:
        """Return the content of the file."""
        record = {
            "payloadType": self.payload_type,
            "payload": base64.b64encode(self.payload).decode(),
            "signatures": [signature.to_json() for signature in self.signatures],
        }
        return (json.dumps(record, indent=1) + "\n").encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> Envelope:
        """Read the content of the file.

        Raises:
            ValueError: it is no envelope, or one of something else than a bundle.
        """
        record = read_json_object(data)
        envelope = cls(
            fields.text(record, "payloadType"),
            _decoded(record, "payload"),
            fields.list_of(record, "signatures", Signature.from_json),
        )
        if envelope.payload_type != PAYLOAD_TYPE:
            raise ValueError("it signs something else than a bundle")
        if not 1 <= len(envelope.signatures) <= _MOST_SIGNATURES:
            raise ValueError(f"it does not hold 1 to {_MOST_SIGNATURES} signatures")
        return envelope


def sign_record(record: bytes, key: Ed25519PrivateKey, earlier: Envelope | None = None) -> Envelope:
    """Sign the bytes of ``bundle.json``.

    Args:
        record: the file as it is stored.
        key: whose signature is added.
        earlier: the bundle's present envelope. Signatures of the same record by other keys are
            kept, those of another record are dropped.
    """
    own = key_id(key.public_key())
    unsigned = Envelope(PAYLOAD_TYPE, record, ())
    kept = () if earlier is None or earlier.payload != record else earlier.signatures
    others = tuple(signature for signature in kept if signature.keyid != own)
    added = Signature(own, key.sign(unsigned.signed_bytes))
    return Envelope(PAYLOAD_TYPE, record, (*others, added))


def verify_signature(
    record: bytes,
    envelope: bytes | None,
    public_keys: Iterable[Ed25519PublicKey],
    name: str = "the bundle",
) -> str:
    """Verify that one of the keys signed this very record.

    Args:
        record: bytes of ``bundle.json``, the very ones that are used afterwards.
        envelope: bytes of ``bundle.sig``; None if the bundle has none.
        public_keys: whom to trust; a signature by any of them is enough.
        name: of the bundle, for the sentence.

    Returns:
        The id of the key that signed, see :func:`edge_runtime.bundle.keys.key_id`.

    Raises:
        SignatureError: there is no signature, it is damaged, it is of another record, or it is by
            none of the keys.
        DependencyError: the ``sign`` extra is not installed.
    """
    if envelope is None:
        raise SignatureError(f"{name} is not signed; have it signed with `saliedge sign`.")
    read = signed_envelope(record, envelope, name)
    message = read.signed_bytes
    for key in public_keys:
        if any(_signed_by(key, signature.sig, message) for signature in read.signatures):
            return key_id(key)
    raise SignatureError(
        f"{name} has no valid signature by a trusted key; take it from whom you trust, or give the "
        "public key of whoever signed it."
    )


def signed_envelope(record: bytes, envelope: bytes, name: str = "the bundle") -> Envelope:
    """Read a signature file and make sure that it is of this record; no signature is verified.

    Raises:
        SignatureError: it is damaged, or of another record.
    """
    try:
        read = Envelope.from_bytes(envelope)
    except ValueError as error:
        raise SignatureError(
            f"the signature of {name} is damaged ({error}); sign the bundle again."
        ) from error
    if read.payload != record:
        raise SignatureError(
            f"{name} was changed after it was signed, or the signature is of another bundle; copy "
            "the bundle again."
        )
    return read


def _signed_by(key: Ed25519PublicKey, signature: bytes, message: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature

    try:
        key.verify(signature, message)
    except InvalidSignature:
        return False
    return True


def _decoded(record: dict[str, Any], key: str) -> bytes:
    try:
        return base64.b64decode(fields.text(record, key), validate=True)
    except binascii.Error as error:
        raise ValueError(f"the field {key!r} is not base64") from error
