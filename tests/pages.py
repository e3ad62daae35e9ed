"""What every page that the project writes must hold: nothing in it comes from elsewhere."""

from __future__ import annotations

from html.parser import HTMLParser

__all__ = ["check_self_contained"]

_VOID = {"meta", "img", "br", "link", "hr", "input"}


class _Reader(HTMLParser):
    def __init__(self, runs_own_scripts: bool) -> None:
        super().__init__()
        self.open: list[str] = []
        self._runs_own_scripts = runs_own_scripts

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        assert tag not in ("link", "iframe", "object", "base"), tag
        assert tag != "script" or self._runs_own_scripts, tag
        for name, value in attributes:
            assert not name.startswith("on"), name
            if name in ("src", "href", "xlink:href", "data", "action"):
                assert value is not None and value.startswith(("data:image/", "#")), value
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open[-1] == tag, f"</{tag}> closes {self.open[-1:]}"
        self.open.pop()


def check_self_contained(page: str, runs_own_scripts: bool = False) -> None:
    """Fail if a page loads anything, runs a script or leaves an element open.

    Args:
        page: HTML.
        runs_own_scripts: whether scripts that lie in the page are meant to be there; they may not
            ask anybody for anything.
    """
    reader = _Reader(runs_own_scripts)
    reader.feed(page)
    reader.close()
    assert not reader.open, reader.open
    for loading in ("url(", "@import", "fetch(", "XMLHttpRequest", "WebSocket", "sendBeacon"):
        assert loading not in page, loading
    assert "default-src 'none'" in page
