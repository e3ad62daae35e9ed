"""What mkdocs calls: generated pages, links out of ``docs/``, formulas."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page as SitePage

from docs_site.formulas import with_formulas
from docs_site.links import COPIED, ROOT_PAGES, pictures_outside, rewritten
from docs_site.page import Page
from docs_site.reference import generated_pages, pages_below

ROOT = Path(__file__).parent.parent
_pages: list[Page] = []
_LOADED_FROM_ELSEWHERE = re.compile(
    r"""<(?:script|img|link|iframe|source|video)\b[^>]*\b(?:src|href)=["']?(?:https?:)?//[^>]*>"""
)


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Make the pages, and list them where the navigation names their folder."""
    _pages[:] = generated_pages()
    config.nav = _expanded(config.nav)
    return config


def _expanded(entry: Any) -> Any:
    """The navigation with a list of pages in place of each folder."""
    if isinstance(entry, list):
        return [_expanded(item) for item in entry]
    if isinstance(entry, dict):
        return {title: _expanded(item) for title, item in entry.items()}
    if isinstance(entry, str) and entry.endswith("/"):
        return pages_below(entry, _pages)
    return entry


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the generated pages, those of the root, and pictures from elsewhere."""
    pictures = {
        picture
        for file in files.documentation_pages()
        for picture in pictures_outside(file.content_string, file.src_uri, ROOT)
    }
    for page in _pages:
        files.append(File.generated(config, page.path, content=page.text))
    for source, path in ROOT_PAGES.items():
        text = rewritten((ROOT / source).read_text(encoding="utf-8"), path, ROOT, source)
        files.append(File.generated(config, path, content=text))
    for picture in sorted(pictures):
        content = (ROOT / picture).read_bytes()
        files.append(File.generated(config, f"{COPIED}{picture}", content=content))
    return files


def on_page_markdown(
    markdown: str, page: SitePage, config: MkDocsConfig, files: Files
) -> str | None:
    """Make links out of ``docs/`` work."""
    if page.file.generated_by is not None:
        return None
    return rewritten(markdown, page.file.src_uri, ROOT)


def on_post_page(output: str, page: SitePage, config: MkDocsConfig) -> str:
    """Refuse a page that would load something from elsewhere."""
    if found := _LOADED_FROM_ELSEWHERE.search(output):
        raise PluginError(f"{page.file.src_uri} loads something from elsewhere: {found[0]}")
    return output


def on_page_content(html: str, page: SitePage, config: MkDocsConfig, files: Files) -> str:
    """Draw formulas."""
    return with_formulas(html)
