"""The page of a study: one file with all pictures, that loads nothing and sends nothing.

What it holds of a case is a name drawn by lot and pictures: no class, no file name, no name of a
map's source. The order of every reader lies in it by those names alone.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from html import escape
from importlib.resources import files
from typing import Any

from train.reader_study.design import Schedule
from train.reader_study.records import (
    ANSWERS_FORMAT,
    ANSWERS_VERSION,
    SCALE,
    KeyCase,
    StudyKey,
)

__all__ = ["study_page"]

_STATIC = files("train.reader_study") / "static"


def study_page(
    key: StudyKey,
    cases: Sequence[KeyCase],
    schedules: Sequence[Schedule],
    pictures: Mapping[str, str],
) -> str:
    """Put the page together.

    Args:
        key: of the study; only its name, title and classes go into the page.
        cases: the cases by the positions that the schedules name.
        schedules: of each reader.
        pictures: data addresses of every case and map, by their names in the page.
    """
    study = {
        "format": ANSWERS_FORMAT,
        "version": ANSWERS_VERSION,
        "study": key.study,
        "title": key.title,
        "classes": list(key.classes),
        "scale": SCALE,
        "readers": [_order(schedule, cases) for schedule in schedules],
        # By name, which is drawn by lot: the order in the file tells nothing.
        "pictures": {name: pictures[name] for name in sorted(pictures)},
    }
    style = (_STATIC / "page.css").read_text(encoding="utf-8")
    script = (_STATIC / "page.js").read_text(encoding="utf-8")
    policy = (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )
    page = (_STATIC / "page.html").read_text(encoding="utf-8")
    # The largest last, so that nothing in it is taken for a place of the others.
    places = {
        "POLICY": policy,
        "TITLE": escape(key.title),
        "STYLE": style,
        "SCRIPT": script,
        "STUDY": json.dumps(study, separators=(",", ":")).replace("<", "\\u003c"),
    }
    for name, text in places.items():
        page = page.replace(f"%{name}%", text)
    return page


def _order(schedule: Schedule, cases: Sequence[KeyCase]) -> dict[str, Any]:
    """Names only: a reading is its case and its map, or null."""
    return {
        "readings": [
            [
                cases[reading.case].case,
                cases[reading.case].maps[reading.condition - 1] if reading.condition else None,
            ]
            for reading in schedule.readings
        ],
        "comparisons": [
            [
                cases[found.case].case,
                cases[found.case].maps[found.left - 1],
                cases[found.case].maps[found.right - 1],
            ]
            for found in schedule.comparisons
        ],
    }


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
