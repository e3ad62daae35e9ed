"""Formulas: from TeX to MathML, which browsers draw by themselves and which loads nothing."""

from __future__ import annotations

import html
import re

from latex2mathml.converter import convert

__all__ = ["with_formulas"]

# What pymdownx.arithmatex leaves behind (generic).
_INLINE = re.compile(r'<span class="arithmatex">\\\((.*?)\\\)</span>', re.DOTALL)
_BLOCK = re.compile(r'<div class="arithmatex">\s*\\\[(.*?)\\\]\s*</div>', re.DOTALL)


def with_formulas(page: str) -> str:
    """The HTML of a page with its formulas drawn."""
    inline = _INLINE.sub(lambda match: _drawn(match[1], "inline"), page)
    return _BLOCK.sub(
        lambda match: f'<div class="formula">{_drawn(match[1], "block")}</div>', inline
    )


def _drawn(formula: str, display: str) -> str:
    mathml: str = convert(html.unescape(formula).strip(), display=display)
    return mathml
