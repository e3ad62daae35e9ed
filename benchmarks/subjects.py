"""The bundles of one run, each with its float reference, and all configurations of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from benchmarks.absent import Absent
from benchmarks.configurations import Configuration, Matrix, find_reference, matrix
from edge_runtime.bundle import Bundle, Reference, open_bundle
from edge_runtime.engines import ENGINES
from edge_runtime.errors import UsageError

__all__ = ["Subject", "folder_of", "open_subjects", "whole_matrix"]


@dataclass(frozen=True)
class Subject:
    """A bundle with the float graphs that it is compared with.

    Attributes:
        bundle: The bundle.
        reference: Its float graphs, or why there are none.
    """

    bundle: Bundle
    reference: Reference | Absent

    @property
    def name(self) -> str:
        """File name of the bundle; there is one even for the path ``.``."""
        return self.bundle.path.resolve().name

    def folder(self, precision: str) -> Bundle | Reference:
        """Return where the graphs of a precision are; ``ValueError`` if there are none."""
        if precision == "int8":
            return self.bundle
        if isinstance(self.reference, Absent):
            raise ValueError(f"a float configuration needs the reference: {self.reference.reason}")
        return self.reference


def open_subjects(paths: Sequence[str]) -> tuple[Subject, ...]:
    """Open bundles and the references beside them.

    Raises:
        ArtifactError: One is missing or damaged.
        UsageError: Two have the same file name, so that a report could not tell them apart.
    """
    bundles = [open_bundle(path) for path in paths]
    subjects = tuple(Subject(bundle, find_reference(bundle)) for bundle in bundles)
    names = [subject.name for subject in subjects]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(
                f"{names.count(name)} bundles are called {name}; rename one, so that a report can "
                "tell them apart."
            )
    return subjects


def whole_matrix(
    subjects: Sequence[Subject],
    engines: Sequence[str],
    saliencies: Sequence[str],
    threads: Sequence[int],
) -> Matrix:
    """Decide what to measure of all bundles, with every number of threads.

    Configurations name their bundle if there are several, and their threads likewise.

    Args:
        subjects: The bundles, at least one.
        engines: See :func:`benchmarks.configurations.matrix`.
        saliencies: Likewise.
        threads: Numbers of threads, at least one.

    Raises:
        SaliedgeError: See :func:`benchmarks.configurations.matrix`.
    """
    different = tuple(dict.fromkeys(threads))
    counts: tuple[int | None, ...] = different if len(different) > 1 else (None,)
    chosen: list[Configuration] = []
    left_out: dict[str, str] = {}
    for subject in subjects:
        plan = matrix(subject.bundle, subject.reference, engines, saliencies)
        name = subject.name if len(subjects) > 1 else None
        for configuration in plan.configurations:
            chosen += [replace(configuration, threads=count, bundle=name) for count in counts]
        left_out |= {
            what if name is None or what in ENGINES else f"{what}, {name}": reason
            for what, reason in plan.left_out.items()
        }
    return Matrix(tuple(chosen), left_out)


def folder_of(subjects: Sequence[Subject], configuration: Configuration) -> Bundle | Reference:
    """Return where the graph of a configuration is.

    Raises:
        ValueError: None of the bundles is that of the configuration, or it lacks its reference.
    """
    for subject in subjects:
        if configuration.bundle in (None, subject.name):
            return subject.folder(configuration.precision)
    raise ValueError(f"there is no bundle {configuration.bundle!r} to measure")
