"""Reports in which each configuration is of some bundles and numbers of threads."""

from __future__ import annotations

from dataclasses import replace

from benchmarks.report import Report

__all__ = ["with_places"]


def with_places(report: Report, *places: tuple[str, int, int]) -> Report:
    """Return a report whose configurations were measured in every place.

    Args:
        report: A report of one bundle and one number of threads.
        places: File of a bundle, width of its input, number of threads.
    """
    bundles = tuple(
        replace(report.bundle, file=file, width=width)
        for file, width in dict.fromkeys(place[:2] for place in places)
    )
    results = tuple(
        replace(result, configuration=replace(result.configuration, bundle=file, threads=threads))
        for file, _, threads in places
        for result in report.results
    )
    return replace(report, bundle=bundles[0], further_bundles=bundles[1:], results=results)
