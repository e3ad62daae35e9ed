"""A real browser for the pages that the project writes or serves."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.requirements import require_module, require_program

if TYPE_CHECKING:
    from playwright.sync_api import Browser

__all__ = ["launched_chromium"]


@contextmanager
def launched_chromium() -> Iterator[Browser]:
    """Give a headless Chromium; skips the test where there is none."""
    require_module("playwright", "dev")
    path = require_program("chromium", "chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        # Root, as which a check may run, has no sandbox to offer; the pages are the tests' own.
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()
