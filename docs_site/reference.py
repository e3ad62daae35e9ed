"""All generated pages, and where they stand in the navigation."""

from __future__ import annotations

from docs_site import api_pages, command_pages
from docs_site.configuration_page import configuration_page
from docs_site.exit_code_page import exit_code_page
from docs_site.json_formats_page import json_formats_page
from docs_site.page import Page
from docs_site.schema_page import bench_report_pages, bundle_schema_page

__all__ = ["generated_pages", "pages_below"]


def generated_pages() -> list[Page]:
    """Every page that is made from the code."""
    return [
        *command_pages.command_pages(),
        configuration_page(),
        bundle_schema_page(),
        *bench_report_pages(),
        json_formats_page(),
        exit_code_page(),
        *api_pages.api_pages(),
    ]


def pages_below(folder: str, pages: list[Page]) -> list[dict[str, str]]:
    """The navigation of a folder (``reference/cli/``): title to path, in the order of the pages."""
    return [{page.title: page.path} for page in pages if page.path.startswith(folder)]
