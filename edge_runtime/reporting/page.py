"""Reports as one HTML page that loads nothing: tables, lists and pictures are inside.

A content security policy in the page forbids everything that would come from elsewhere, scripts
included, so that a report can be opened on any machine and sent to anybody.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from html import escape

import numpy as np
from numpy.typing import NDArray

__all__ = ["data_uri", "html_list", "html_page", "html_table"]

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;color:#222;max-width:1180px;margin:2em auto;"
    "padding:0 1em}table{border-collapse:collapse;font-size:13px;margin:1em 0}"
    "th,td{padding:4px 8px;border-bottom:1px solid #ddd;text-align:right;vertical-align:top}"
    "th.word,td.word{text-align:left}.wide{overflow-x:auto}img{max-width:100%;height:auto}"
    "pre{background:#f5f5f5;padding:1em;overflow-x:auto}h2{margin-top:2em}"
)


def html_page(title: str, body: str, style: str = "") -> str:
    """A whole page.

    Args:
        title: plain text; also the first heading.
        body: HTML.
        style: further CSS.
    """
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}{style}</style></head>"
        f"<body><h1>{escape(title)}</h1>\n{body}\n</body></html>\n"
    )


def html_table(
    columns: Sequence[str],
    lines: Sequence[Sequence[str]],
    words: int = 2,
    *,
    marked: Sequence[int] = (),
    is_html: bool = False,
) -> str:
    """A table that scrolls sideways where the page is narrow.

    Args:
        columns: names, plain text.
        lines: cells, plain text.
        words: columns from the left that hold words; the others hold figures.
        marked: lines that get the class ``marked``.
        is_html: the cells are HTML already.
    """
    kinds = [' class="word"' if index < words else "" for index in range(len(columns))]

    def row(cells: Sequence[str], tag: str, text: bool, state: str = "") -> str:
        inner = "".join(
            f"<{tag}{kind}>{escape(cell) if text else cell}</{tag}>"
            for kind, cell in zip(kinds, cells, strict=True)
        )
        return f"<tr{state}>{inner}</tr>"

    head = row(columns, "th", text=True)
    body = "".join(
        row(line, "td", not is_html, ' class="marked"' if index in marked else "")
        for index, line in enumerate(lines)
    )
    return f'<div class="wide"><table>{head}{body}</table></div>'


def html_list(lines: Sequence[str]) -> str:
    """A list of plain sentences."""
    return f"<ul>{''.join(f'<li>{escape(line)}</li>' for line in lines)}</ul>"


def data_uri(image_hwc: NDArray[np.uint8], jpeg_quality: int | None = None) -> str:
    """A picture inside an address; encoded here, so that no metadata of a file is in it.

    Args:
        image_hwc: uint8 ``[H, W, 3]``, RGB.
        jpeg_quality: 1 to 95 for a JPEG with its colours in full resolution; None for a PNG.
    """
    from PIL import Image

    image, buffer = Image.fromarray(image_hwc), io.BytesIO()
    if jpeg_quality is None:
        kind = "png"
        image.save(buffer, kind, optimize=True)
    else:
        kind = "jpeg"
        image.save(buffer, kind, quality=jpeg_quality, subsampling=0)
    return f"data:image/{kind};base64,{base64.b64encode(buffer.getvalue()).decode()}"
