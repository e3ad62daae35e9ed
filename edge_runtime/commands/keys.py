"""The command ``saliedge keys``: make the key that bundles are signed with, and show its halves."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from edge_runtime.command_settings import SETTINGS
from edge_runtime.errors import SignatureError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (
        Ed25519PrivateKey,
        Ed25519PublicKey,
    )

__all__ = ["keys", "passphrase_option", "unlocked_key"]

_ENCRYPTED = b"ENCRYPTED"
passphrase_option = click.option(
    "--passphrase-file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Take the key's passphrase from FILE's first line instead of asking.",
)


@click.group(
    "keys",
    context_settings=SETTINGS,
    epilog="\b\nExamples:\n"
    "  saliedge keys new clinic.key\n"
    "  saliedge keys show clinic.key\n"
    "  saliedge keys show clinic.pub",
)
def keys() -> None:
    """Make or show the Ed25519 key that bundles are signed with.

    The private half stays with whoever releases models; the public half goes to every device.
    """


@keys.command("new", short_help="Draw a key.", context_settings=SETTINGS)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--passphrase", is_flag=True, help="Ask for a passphrase and encrypt the key.")
@passphrase_option
def new(file: Path, passphrase: bool, passphrase_file: Path | None) -> None:
    """Draw a key: FILE (private, only its owner may read it) and its .pub beside it."""
    from edge_runtime.bundle.keys import key_id, new_key, public_key_path

    secret: bytes | None = None
    if passphrase_file is not None:
        secret = _first_line(passphrase_file)
    elif passphrase:
        answer = click.prompt("Passphrase", hide_input=True, confirmation_prompt=True)
        secret = str(answer).encode()
    key = new_key(file, secret)
    click.echo(f"private key  {file}  (keep it secret, and a copy of it safe)")
    click.echo(f"public key   {public_key_path(file)}  (for devices and `saliedge verify`)")
    click.echo(f"key id       {key_id(key.public_key())}")


@keys.command(
    "show", short_help="Print the id and the public half of a key.", context_settings=SETTINGS
)
@click.argument("file", type=click.Path(path_type=Path))
@passphrase_option
def show(file: Path, passphrase_file: Path | None) -> None:
    """Print the id and the public half of the key in FILE, which may be either half."""
    from edge_runtime.bundle.keys import key_id, load_public_key, public_pem, read_key_file

    public: Ed25519PublicKey
    if b"PRIVATE KEY" in read_key_file(file):
        public = unlocked_key(file, passphrase_file).public_key()
    else:
        public = load_public_key(file)
    click.echo(f"key id {key_id(public)}")
    click.echo(public_pem(public).decode(), nl=False)


def unlocked_key(file: Path, passphrase_file: Path | None) -> Ed25519PrivateKey:
    """Read a private key; its passphrase comes from a file or, if it has one, is asked for.

    Raises:
        SignatureError: The key or its passphrase cannot be used.
    """
    from edge_runtime.bundle.keys import load_private_key, read_key_file

    passphrase: bytes | None = None
    if passphrase_file is not None:
        passphrase = _first_line(passphrase_file)
    elif _ENCRYPTED in read_key_file(file):
        passphrase = str(click.prompt(f"Passphrase of {file}", hide_input=True)).encode()
    return load_private_key(file, passphrase)


def _first_line(file: Path) -> bytes:
    from edge_runtime.bundle.keys import read_key_file

    line = read_key_file(file).partition(b"\n")[0].rstrip(b"\r")
    if not line:
        raise SignatureError(f"{file} begins with an empty line; write the passphrase there.")
    return line
