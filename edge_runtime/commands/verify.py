"""The command ``saliedge verify``: is a bundle whole, and does it compute here what it should?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from edge_runtime.command_settings import SETTINGS
from edge_runtime.errors import DependencyError, GateError
from edge_runtime.reporting.text_table import text_table

if TYPE_CHECKING:
    from edge_runtime.bundle.reader import Bundle
    from edge_runtime.golden import GoldenResult

__all__ = ["verify"]

_EPILOG = """\b
Examples:
  saliedge verify first.edge
  saliedge verify first.edge --engine litert
  saliedge verify first.edge --files-only --public-key clinic.pub

\b
Exit code 4 if a file is missing, changed or extra; 9 if a trusted key is given and
did not sign the bundle; 8 if an engine's outputs are not the expected ones; 5 if no
engine for the bundle is installed.
"""


@click.command("verify", epilog=_EPILOG, context_settings=SETTINGS)
@click.argument("bundle")
@click.option(
    "--engine",
    "engines",
    multiple=True,
    metavar="NAME",
    help="Engine to check with, also a plug-in's; may be repeated. Default: every installed one of "
    "onnx, litert and tflite-runtime.",
)
@click.option("--files-only", is_flag=True, help="Check the files alone, without any engine.")
@click.option(
    "--public-key",
    "public_keys",
    multiple=True,
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Require a signature by this key; if repeated, by one of them.",
)
def verify(
    bundle: str, engines: tuple[str, ...], files_only: bool, public_keys: tuple[Path, ...]
) -> None:
    """Check BUNDLE: its signature, every file's hash, golden outputs with each installed engine.

    Without a public key nobody vouches for the bundle: it is whole, whoever made it. An engine
    passes if each logit is within the bundle's tolerance (one quantisation step), the top class is
    the expected one and saliency maps agree.
    """
    from edge_runtime.bundle.reader import open_bundle

    opened = open_bundle(bundle)
    _check_signature(opened, public_keys)
    _check_files(opened)
    if files_only:
        return
    results = _check_engines(opened, engines)
    click.echo(
        text_table(("engine", "graph", "logits", "top class", "map", "result"), _rows(results))
    )
    failed = [f"{result.graph} in {result.engine}" for result in results if not result.passed]
    if failed:
        raise GateError(
            f"{bundle} does not compute the expected outputs here: {', '.join(failed)}; do not use "
            f"it with this engine, or update the engine."
        )


def _check_signature(bundle: Bundle, public_keys: tuple[Path, ...]) -> None:
    """Require a signature if a key is given; else say whether there is one.

    Raises:
        SignatureError: No trusted key signed the bundle, or its signature is of another record.
    """
    from edge_runtime.bundle.keys import load_public_key
    from edge_runtime.bundle.signature import signed_envelope

    if public_keys:
        signer = bundle.verify_signature([load_public_key(path) for path in public_keys])
        click.echo(f"signed by     {signer}")
        return
    found = bundle.read_signature()
    if found is None:
        click.echo("not signed")
        return
    envelope = signed_envelope(bundle.record, found, str(bundle.path))
    for signature in envelope.signatures:
        click.echo(f"signature by  {signature.keyid or 'unnamed'}, unchecked: give --public-key")


def _check_files(bundle: Bundle) -> None:
    check = bundle.verify_files()
    click.echo(f"bundle_sha256 {bundle.sha256}")
    click.echo(f"{len(check.checked)} of {len(bundle.spec.files)} files are as exported")
    check.require(bundle.path)


def _check_engines(bundle: Bundle, engines: tuple[str, ...]) -> list[GoldenResult]:
    """Run the golden inputs through each engine and each graph that it can load.

    Raises:
        UsageError: There is no engine of that name.
        DependencyError: No engine for the bundle's graphs is installed.
    """
    from edge_runtime.engines.registry import default_engine, graph_format, installed_engines
    from edge_runtime.golden import check_golden

    formats = {name: graph_format(name) for name in engines or installed_engines()}
    if not engines:
        default_engine(bundle)  # raises if there is none
    results = [
        check_golden(bundle, name, mode)
        for name, its_format in formats.items()
        for mode in bundle.spec.saliency_modes(its_format)
    ]
    if not results:
        raise DependencyError(
            f"{bundle.path} has no graph for {', '.join(engines)}; choose another engine."
        )
    return results


def _rows(results: list[GoldenResult]) -> list[tuple[str, ...]]:
    return [
        (
            f"{result.engine} {result.version}",
            result.graph,
            f"within {result.worst_steps:.2f} steps",
            f"{result.top_class_agreed} of {result.images}",
            "" if result.lowest_correlation is None else f"r >= {result.lowest_correlation:.3f}",
            "passed" if result.passed else "FAILED",
        )
        for result in results
    ]
