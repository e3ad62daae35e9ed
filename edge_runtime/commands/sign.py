"""The command ``saliedge sign``: vouch for a bundle."""

from __future__ import annotations

from pathlib import Path

import click

from edge_runtime.command_settings import SETTINGS
from edge_runtime.commands.keys import passphrase_option, unlocked_key
from edge_runtime.errors import ArtifactError

__all__ = ["sign"]

_EPILOG = """\b
Examples:
  saliedge keys new clinic.key
  saliedge sign first.edge --key clinic.key
  saliedge verify first.edge --public-key clinic.pub

\b
The signature (bundle.sig) covers bundle.json and, by the hashes in it, every file.
Other people's signatures of the same bundle are kept.
"""


@click.command("sign", epilog=_EPILOG, context_settings=SETTINGS)
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option(
    "--key",
    required=True,
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Your private key, of `saliedge keys new`.",
)
@passphrase_option
def sign(bundle: Path, key: Path, passphrase_file: Path | None) -> None:
    """Sign BUNDLE, whose files are checked first.

    Verify it before (`saliedge verify`): whoever trusts the key will trust the bundle.
    """
    from edge_runtime.bundle.keys import key_id
    from edge_runtime.bundle.reader import open_bundle
    from edge_runtime.bundle.schema import SIGNATURE_FILE
    from edge_runtime.bundle.signature import Envelope, sign_record
    from edge_runtime.files import atomic_write_bytes

    opened = open_bundle(bundle)
    if not opened.verify_files().passed:
        raise ArtifactError(
            f"{bundle} is not as it was exported, so it is not signed; see `saliedge verify "
            f"{bundle}`."
        )
    private = unlocked_key(key, passphrase_file)
    earlier = opened.read_signature()
    try:
        envelope = None if earlier is None else Envelope.from_bytes(earlier)
    except ValueError:
        envelope = None  # of no use to anybody: replaced
    signed = sign_record(opened.record, private, envelope)
    atomic_write_bytes(bundle / SIGNATURE_FILE, signed.to_bytes())
    click.echo(f"bundle_sha256 {opened.sha256}")
    click.echo(f"signed by     {key_id(private.public_key())}")
    if len(signed.signatures) > 1:
        click.echo(f"now holds     {len(signed.signatures)} signatures")
