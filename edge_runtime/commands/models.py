"""The command ``saliedge models``: the models of this device, and which one runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from edge_runtime.command_settings import SETTINGS
from edge_runtime.quick_dataclass import dataclass
from edge_runtime.reporting.text_table import text_table

if TYPE_CHECKING:
    from edge_runtime.models import InstalledModel, ModelStore, Selection, Verify

__all__ = ["models"]

_EPILOG = """\b
Examples:
  saliedge models install second.edge --use
  saliedge models list
  saliedge models use first          (a name, or the beginning of a hash)
  saliedge models rollback
  saliedge models remove 3f9a2c

\b
`edge-infer` without --bundle runs the chosen model. A new one is on trial until
it has classified 100 frames; if it fails before, the last good one returns.
A running edge-infer takes the change without losing its camera.

\b
Exit code 4 if a bundle is damaged or a model is not there, 8 if an engine
crashes on it or its outputs are not the expected ones, 7 if the state
directory cannot be written.
"""


@dataclass(frozen=True)
class _Device:
    """What every command of the group works on."""

    store: ModelStore
    verify: Verify


_engine_option = click.option(
    "--engine",
    "engines",
    multiple=True,
    metavar="NAME",
    help="Engine to test in; may be repeated. Default: every installed one.",
)


@click.group("models", epilog=_EPILOG, context_settings=SETTINGS)
@click.option(
    "--state-dir",
    metavar="DIR",
    help="Default: $SALIEDGE_STATE, /var/lib/saliedge for root, else ~/.local/state/saliedge.",
)
@click.option(
    "--public-key",
    "public_keys",
    multiple=True,
    metavar="FILE",
    help="Take only what one of these keys signed. Default: $SALIEDGE_PUBLIC_KEY.",
)
@click.pass_context
def models(context: click.Context, state_dir: str | None, public_keys: tuple[str, ...]) -> None:
    """Install, list, choose and remove the models of this device."""
    from edge_runtime.models import ModelStore, signature_check, state_directory

    context.obj = _Device(ModelStore(state_directory(state_dir)), signature_check(public_keys))


@models.command("install", context_settings=SETTINGS)
@click.argument("bundle")
@click.option("--use", "use_it", is_flag=True, help="Choose it at once.")
@_engine_option
@click.pass_obj
def install(device: _Device, bundle: str, use_it: bool, engines: tuple[str, ...]) -> None:
    """Check BUNDLE, test it in every installed engine and keep a copy.

    Every file's hash is checked on the copy, and the golden inputs run in child processes, before
    the model appears in the store.
    """
    from edge_runtime.bundle.reader import open_bundle
    from edge_runtime.models.acceptance import accept, engines_to_test

    source = open_bundle(bundle)
    device.verify(source)
    engines_to_test(source, engines)  # a wrong name is told before anything is copied

    def test(folder: Path) -> None:
        accept(folder, engines, click.echo)

    store = device.store
    is_new = store.install(source, test)
    state = "is installed" if is_new else "was installed already"
    click.echo(f"{source.spec.name} {source.sha256[:12]} {state} in {store.root}")
    if use_it:
        _choose(store, source.sha256)
    elif is_new:
        click.echo(f"Choose it with: saliedge models use {source.sha256[:12]}")


@models.command("list", context_settings=SETTINGS)
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.pass_obj
def list_models(device: _Device, as_json: bool) -> None:
    """List the installed models and what is known about each."""
    store = device.store
    selection = store.selection()
    installed = store.installed()
    if as_json:
        click.echo(json.dumps(_record(installed, selection), indent=1))
        return
    if not installed:
        click.echo(f"No model is installed in {store.root}.")
        return
    rows = [
        (
            model.name or "?",
            model.sha256[:12],
            f"{model.bytes / 1e6:.1f} MB",
            f"{model.installed_at:%Y-%m-%d %H:%M}",
            _state(model, selection),
        )
        for model in installed
    ]
    click.echo(text_table(("name", "hash", "size", "installed (UTC)", "state"), rows))


@models.command("use", short_help="Let a model run, on trial at first.", context_settings=SETTINGS)
@click.argument("model")
@_engine_option
@click.pass_obj
def use(device: _Device, model: str, engines: tuple[str, ...]) -> None:
    """Let MODEL (a name, or the beginning of a hash) run, on trial at first."""
    from edge_runtime.models.acceptance import accept

    store = device.store
    sha256 = store.find(model)
    bundle = store.open(sha256)
    device.verify(bundle)
    accept(bundle.path, engines, click.echo)
    _choose(store, sha256)


@models.command("rollback", context_settings=SETTINGS)
@click.pass_obj
def rollback(device: _Device) -> None:
    """Return to the last good model, or from it to the one before."""
    selection = device.store.update(lambda record: record.roll_back())
    click.echo(f"The model {_named(device.store, str(selection.good))} runs.")


@models.command(
    "remove", short_help="Remove a model that is not in use.", context_settings=SETTINGS
)
@click.argument("model")
@click.pass_obj
def remove(device: _Device, model: str) -> None:
    """Remove MODEL (a name, or the beginning of a hash) unless it is in use."""
    sha256 = device.store.find(model)
    named = _named(device.store, sha256)
    device.store.remove(sha256)
    click.echo(f"The model {named} is removed.")


def _choose(store: ModelStore, sha256: str) -> None:
    selection = store.update(lambda record: record.choose(sha256))
    state = "is on trial" if selection.trial else "is the good one already and runs"
    click.echo(f"The model {_named(store, sha256)} {state}.")


def _named(store: ModelStore, sha256: str) -> str:
    names = (model.name for model in store.installed() if model.sha256 == sha256)
    return f"{next(names, None) or '?'} {sha256[:12]}"


def _state(model: InstalledModel, selection: Selection) -> str:
    """Return what a person wants to know about a model, in words."""
    if model.problem:
        return f"damaged: {model.problem}"
    if model.sha256 == selection.trial:
        return f"on trial, {selection.starts} starts"
    if model.sha256 == selection.good:
        return "good" if selection.trial else "good, runs"
    if model.sha256 in selection.failed:
        return f"failed: {selection.failed[model.sha256]}"
    return "good before" if model.sha256 in selection.previous else "installed"


def _record(installed: list[InstalledModel], selection: Selection) -> dict[str, object]:
    """Return the JSON object of the list.

    ``runs`` (SHA-256 of the model that should run now, or null), ``selection`` (see
    :class:`Selection`) and ``models`` (all that are installed): ``models[].sha256`` (its identity),
    ``models[].name`` (of the bundle), ``models[].bytes`` (on the disk), ``models[].installed_utc``
    (ISO 8601) and ``models[].state`` (what is known of it, in words).
    """
    return {
        "runs": selection.wanted,
        "selection": selection.to_json(),
        "models": [
            {
                "sha256": model.sha256,
                "name": model.name,
                "bytes": model.bytes,
                "installed_utc": model.installed_at.isoformat(timespec="seconds"),
                "state": _state(model, selection),
            }
            for model in installed
        ],
    }
