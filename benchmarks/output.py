"""Where a report goes: the table to the terminal, the JSON to a file or standard output."""

from __future__ import annotations

import click

from edge_runtime.files import atomic_write_bytes, refuse_existing

__all__ = ["refuse_report", "show_report"]

_STANDARD_OUTPUT = "-"


def refuse_report(json_path: str | None, force: bool) -> None:
    """Fail before any work if the report's file exists and may not be replaced.

    Raises:
        OutputError: It exists and ``force`` is False.
    """
    if json_path not in (None, _STANDARD_OUTPUT):
        refuse_existing(str(json_path), force)


def show_report(text: str, data: bytes, json_path: str | None) -> None:
    """Print the table and write the JSON.

    Args:
        text: The table; it goes to standard error if the JSON takes standard output.
        data: The JSON file.
        json_path: Where it goes, ``-`` for standard output; None for nowhere.

    Raises:
        OutputError: The file cannot be written; the table is printed by then.
    """
    click.echo(text, err=json_path == _STANDARD_OUTPUT)
    if json_path == _STANDARD_OUTPUT:
        click.echo(data, nl=False)
    elif json_path is not None:
        atomic_write_bytes(json_path, data)
        click.echo(f"\nwritten: {json_path}")
