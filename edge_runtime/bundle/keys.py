"""Ed25519 keys in files: the private one signs bundles, the public one goes to the devices.

A private key is PKCS #8 PEM, only for its owner (0600), encrypted if it has a passphrase; a public
key is SubjectPublicKeyInfo PEM. OpenSSL reads and writes both:

    openssl pkey -pubin -in clinic.pub -outform DER | sha256sum     # the key's id
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from edge_runtime.errors import OutputError, SignatureError
from edge_runtime.files import atomic_path, atomic_write_bytes, sha256_bytes

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (
        Ed25519PrivateKey,
        Ed25519PublicKey,
    )

__all__ = [
    "key_id",
    "load_private_key",
    "load_public_key",
    "new_key",
    "public_key_path",
    "public_pem",
    "read_key_file",
]

_LARGEST_KEY_FILE = 1 << 16
_PRIVATE_MODE = 0o600


def public_key_path(private: Path) -> Path:
    """Where the public half of a new key is written: ``clinic.pub`` beside ``clinic.key``."""
    return private.with_suffix(".pub")


def new_key(path: Path, passphrase: bytes | None) -> Ed25519PrivateKey:
    """Draw a key, write its private half to ``path`` and its public half beside it.

    Args:
        path: of the private key.
        passphrase: to encrypt it with; None for a key that whoever can read the file can use.

    Raises:
        OutputError: one of the files exists (a key is never replaced) or cannot be written.
    """
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    public_path = public_key_path(path)
    for taken in (path, public_path):
        if os.path.lexists(taken) or path == public_path:
            raise OutputError(
                f"{taken} is taken, and a key is never replaced; choose another name, such as "
                "clinic-2.key."
            )
    key = Ed25519PrivateKey.generate()
    encryption = (
        serialization.BestAvailableEncryption(passphrase)
        if passphrase
        else serialization.NoEncryption()
    )
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption
    )
    atomic_write_bytes(public_path, public_pem(key.public_key()))
    try:
        with atomic_path(path) as temporary:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
            with os.fdopen(os.open(temporary, flags, _PRIVATE_MODE), "wb") as stream:
                stream.write(pem)
    except BaseException:
        with contextlib.suppress(OSError):
            public_path.unlink()
        raise
    return key


def read_key_file(path: Path) -> bytes:
    """Return the content of a key file.

    Raises:
        SignatureError: there is none, or it is far too large for a key.
    """
    try:
        with path.open("rb") as stream:
            data = stream.read(_LARGEST_KEY_FILE + 1)
    except OSError as error:
        raise SignatureError(
            f"the key {path} cannot be read ({error.strerror}); give the file of a key."
        ) from error
    if len(data) > _LARGEST_KEY_FILE:
        raise SignatureError(f"{path} is no key; give a PEM file that holds an Ed25519 key.")
    return data


def load_private_key(path: Path, passphrase: bytes | None = None) -> Ed25519PrivateKey:
    """Read a private key.

    Raises:
        SignatureError: it is missing, of another kind, or needs another passphrase.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    data = read_key_file(path)
    try:
        key = load_pem_private_key(data, passphrase)
    except TypeError as error:  # a passphrase without need of one, or the reverse
        state = "has no passphrase" if passphrase else "needs its passphrase"
        raise SignatureError(f"the key {path} {state}; call the command accordingly.") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        wrong = ", or the passphrase is wrong" if passphrase else ""
        raise SignatureError(
            f"{path} holds no private key in PEM{wrong}; `saliedge keys new` makes one."
        ) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise SignatureError(f"{path} is no Ed25519 key; `saliedge keys new` makes one.")
    return key


def load_public_key(path: Path) -> Ed25519PublicKey:
    """Read a public key.

    Raises:
        SignatureError: it is missing, of another kind, or a private key, which stays off devices.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    data = read_key_file(path)
    if b"PRIVATE KEY" in data:
        raise SignatureError(
            f"{path} is a private key; give its public half, which `saliedge keys show {path}` "
            "prints."
        )
    try:
        key = load_pem_public_key(data)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise SignatureError(
            f"{path} holds no public key in PEM; `saliedge keys show` prints one."
        ) from error
    if not isinstance(key, Ed25519PublicKey):
        raise SignatureError(f"{path} is no Ed25519 key; `saliedge keys new` makes one.")
    return key


def public_pem(key: Ed25519PublicKey) -> bytes:
    """Return a public key as SubjectPublicKeyInfo PEM."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def key_id(key: Ed25519PublicKey) -> str:
    """Return the SHA-256 of a public key's SubjectPublicKeyInfo DER, 64 hexadecimal digits."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return sha256_bytes(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
