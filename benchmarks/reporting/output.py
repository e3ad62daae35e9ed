"""Where a report goes: the table to the terminal, the JSON to a file or standard output."""

from __future__ import annotations

import click

from edge_runtime.files import (
    atomic_write_bytes,
    atomic_write_text,
    refuse_existing,
    refuse_unwritable,
)

__all__ = ["refuse_report", "show_data", "show_report", "write_page"]

_STANDARD_OUTPUT = "-"


def refuse_report(json_path: str | None, force: bool) -> None:
    """Fail before any work if the report's file may not be replaced or cannot be written.

    Raises:
        OutputError: It exists and ``force`` is False, or its place is read-only or full.
    """
    if json_path not in (None, _STANDARD_OUTPUT):
        refuse_existing(str(json_path), force)
        refuse_unwritable(str(json_path))


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
    show_data(data, json_path)


def show_data(data: bytes, json_path: str | None) -> None:
    """Write the JSON alone; see :func:`show_report`."""
    if json_path == _STANDARD_OUTPUT:
        click.echo(data, nl=False)
    elif json_path is not None:
        atomic_write_bytes(json_path, data)
        click.echo(f"\nwritten: {json_path}")


def write_page(page: str, path: str | None, json_path: str | None) -> None:
    """Write a page or another text beside the report, and say so.

    Args:
        page: The text.
        path: Where it goes; None for nowhere.
        json_path: Where the report went; what is said leaves standard output to it.

    Raises:
        OutputError: The file cannot be written.
    """
    if path is not None:
        atomic_write_text(path, page)
        click.echo(f"written: {path}", err=json_path == _STANDARD_OUTPUT)
