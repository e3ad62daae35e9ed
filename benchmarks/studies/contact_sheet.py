"""Tile pictures that ``edge-infer --save-overlay`` wrote, each with its prediction underneath."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFont

from edge_runtime.files import atomic_write_bytes

__all__ = ["spread_over_classes", "write_contact_sheet"]

_TILE = 240
_CAPTION = 26
_GAP = 8
_COLUMNS = 4
_PAPER, _INK = (18, 20, 24), (225, 228, 232)


def spread_over_classes(names: Sequence[str], count: int) -> list[str]:
    """``count`` of the names ``class/file``, one class in turn, in order."""
    by_class: dict[str, list[str]] = {}
    for name in sorted(names):
        by_class.setdefault(name.partition("/")[0], []).append(name)
    rounds = max(len(members) for members in by_class.values())
    in_turn = [
        members[turn]
        for turn in range(rounds)
        for members in by_class.values()
        if turn < len(members)
    ]
    return sorted(in_turn[:count])


def write_contact_sheet(
    path: Path,
    overlays: Mapping[str, Path],
    predictions: Mapping[str, Mapping[str, Any]],
) -> None:
    """Write a PNG of the overlays in rows of four.

    Args:
        path: the PNG, replaced whole.
        overlays: picture by source name, in the order shown.
        predictions: records of ``edge-infer --jsonl`` by source name.
    """
    rows = -(-len(overlays) // _COLUMNS)
    width = _COLUMNS * (_TILE + _GAP) + _GAP
    sheet = Image.new("RGB", (width, rows * (_TILE + _CAPTION + _GAP) + _GAP), _PAPER)
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(13)
    for position, (source, picture) in enumerate(overlays.items()):
        left = _GAP + position % _COLUMNS * (_TILE + _GAP)
        top = _GAP + position // _COLUMNS * (_TILE + _CAPTION + _GAP)
        with Image.open(picture) as image:
            image.thumbnail((_TILE, _TILE))
            sheet.paste(image, (left + (_TILE - image.width) // 2, top))
        record = predictions[source]
        share = record["probabilities"][record["label"]]
        caption = f"{record['label']} {share:.0%}  (is {source.partition('/')[0]})"
        draw.text((left, top + _TILE + 4), caption, fill=_INK, font=font)
    content = io.BytesIO()
    sheet.save(content, format="PNG", optimize=True)
    atomic_write_bytes(path, content.getvalue())
