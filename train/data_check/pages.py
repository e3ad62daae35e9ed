"""The folder that ``saliedge data check --out`` writes: the report and its pictures."""

from __future__ import annotations

import html
import json
from collections.abc import Sequence
from pathlib import Path

from edge_runtime.files import atomic_directory, wrote
from train.data_check.contact_sheet import class_sheet, duplicate_sheet, overlay_sheet
from train.data_check.inspection import Inspection

__all__ = ["is_earlier_check", "write_pages"]

_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:110rem;padding:0 1rem;"
    "color:#1e1e1e;background:#fafafa}pre{white-space:pre-wrap}img{max-width:100%;height:auto}"
)


_WARNING = (
    "<p>This page shows the images themselves and their names: keep it as safe as they are.</p>"
)


is_earlier_check = wrote(
    "report.json", "index.html", also=("classes.png", "duplicates.png", "overlays.png")
)
"""Whether a folder is of an earlier check, and nothing else."""


def write_pages(inspection: Inspection, out: Path, *, force: bool = False) -> None:
    """Write ``report.json``, ``classes.png``, ``duplicates.png``, ``overlays.png``, ``index.html``.

    A picture without a finding is left out.

    Raises:
        OutputError: the folder exists without ``force``, or cannot be written.
    """
    pictures = {
        "classes": ("Examples of each class", class_sheet(inspection)),
        "duplicates": ("Near-duplicates", duplicate_sheet(inspection)),
        "overlays": ("Shared overlays", overlay_sheet(inspection)),
    }
    report = inspection.report
    sections = [
        f"<h1>{html.escape(report.source)}</h1>{_WARNING}",
        _advice(report.advice()),
        f"<h2>What was found</h2><pre>{html.escape(report.text(with_advice=False))}</pre>",
    ]
    with atomic_directory(out, force, is_earlier_check) as folder:
        for name, (title, picture) in pictures.items():
            if picture is not None:
                picture.save(folder / f"{name}.png")
                sections.append(f'<h2>{title}</h2><img src="{name}.png" alt="{title}">')
        record = json.dumps(report.to_json(), indent=1, ensure_ascii=False)
        (folder / "report.json").write_text(record + "\n", encoding="utf-8")
        (folder / "index.html").write_text(
            '<!doctype html><html lang="en"><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            f"<title>Data check</title><style>{_STYLE}</style>{''.join(sections)}</html>\n",
            encoding="utf-8",
        )


def _advice(sentences: Sequence[str]) -> str:
    if not sentences:
        return ""
    entries = "".join(f"<li>{html.escape(sentence)}</li>" for sentence in sentences)
    return f"<h2>What to do</h2><ul>{entries}</ul>"
