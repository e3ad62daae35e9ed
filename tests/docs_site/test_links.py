"""Links out of ``docs/`` lead to the site's own page, to a copy, or tell the path."""

from __future__ import annotations

from pathlib import Path

import pytest

from docs_site.links import pictures_outside, rewritten

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("[c](../../CONTRIBUTING.md#map)", "[c](../contributing/index.md#map)"),
        ("[c](../../CHANGELOG.md)", "[c](../changelog.md)"),
        ("[r](../../README.md)", "[r](../index.md)"),
        (
            "[bundle](../reference/bundle.md#the-record)",
            "[bundle](../reference/bundle.md#the-record)",
        ),
        ("[there](#here)", "[there](#here)"),
        ("[web](https://example.org/a.md)", "[web](https://example.org/a.md)"),
        ("[code](../../edge_runtime/cli.py)", "code (`edge_runtime/cli.py`)"),
        ("[`edge_runtime/cli.py`](../../edge_runtime/cli.py)", "`edge_runtime/cli.py`"),
        ("[no such file](../../nothing.py)", "[no such file](../../nothing.py)"),
        ("[`name`](../reference/cli/train.md)", "[`name`](../reference/cli/train.md)"),
    ],
)
def test_a_link_of_a_page(written: str, expected: str) -> None:
    assert rewritten(written, "how-to/page.md", ROOT) == expected


def test_a_picture_from_elsewhere_is_copied() -> None:
    picture = "benchmarks/results/study/hyperkvasir5/frontier.svg"
    text = f"![frontier](../../{picture})"
    assert pictures_outside(text, "results/study.md", ROOT) == [picture]
    shown = rewritten(text, "results/study.md", ROOT)
    assert shown == f"![frontier](../assets/repository/{picture})"


def test_a_page_that_is_made_from_a_file_of_the_root() -> None:
    text = "[the bundle](docs/reference/bundle.md), [changes](CHANGELOG.md)"
    found = rewritten(text, "contributing/index.md", ROOT, "CONTRIBUTING.md")
    assert found == "[the bundle](../reference/bundle.md), [changes](../changelog.md)"
