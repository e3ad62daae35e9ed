"""The command ``bench merge``."""

from __future__ import annotations

from pathlib import Path

import click

from edge_runtime.command_settings import SETTINGS

__all__ = ["merge"]

_EPILOG = """\b
Examples:
  bench merge pi4.json pi5.json --html boards.html
  bench merge pi4.json pi5.json --card card.md --json boards.json
  bench merge boards.json another.json --html boards.html
"""


@click.command("merge", epilog=_EPILOG, context_settings=SETTINGS)
@click.argument("reports", nargs=-1, required=True, type=click.Path(path_type=Path, dir_okay=False))
@click.option("--json", "json_path", metavar="FILE", help="Write all reports as one; - for stdout.")
@click.option("--html", "html_path", metavar="FILE", help="Write one page of all boards.")
@click.option(
    "--card", "card_path", metavar="FILE", help="Write a Markdown table for a model card."
)
@click.option("--force", is_flag=True, help="Replace earlier files.")
def merge(
    reports: tuple[Path, ...],
    json_path: str | None,
    html_path: str | None,
    card_path: str | None,
    force: bool,
) -> None:
    """Put the reports of one bundle on many boards side by side.

    Each file is what `bench --json`, `bench board-report` or `bench merge --json` wrote. The boards
    are not compared: that is for reports of one machine, see `bench compare`.
    """
    from benchmarks.merge.boards import read_boards
    from benchmarks.merge.card import CARD, card_rows, card_text
    from benchmarks.merge.page import boards_html
    from benchmarks.reporting.output import refuse_report, show_report, write_page
    from benchmarks.reporting.table import numbers_right

    for path in (json_path, html_path, card_path):
        refuse_report(path, force)
    boards = read_boards(reports)
    rows = [(name, *row) for name, report in boards.reports.items() for row in card_rows(report)]
    show_report(numbers_right(CARD, rows), boards.to_bytes(), json_path)
    write_page(boards_html(boards), html_path, json_path)
    write_page(card_text(boards.reports), card_path, json_path)
