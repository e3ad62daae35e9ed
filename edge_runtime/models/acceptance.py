"""What a bundle must pass before a store takes it or lets it run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from edge_runtime.bundle.reader import Bundle, open_bundle
from edge_runtime.engines.registry import (
    ENGINES,
    default_engine,
    graph_format,
    installed_engines,
)
from edge_runtime.errors import GateError, UsageError
from edge_runtime.models.self_test import run_self_test

__all__ = ["accept", "engines_to_test"]


def engines_to_test(bundle: Bundle, named: Sequence[str] = ()) -> tuple[str, ...]:
    """Return the engines that a bundle has to pass in: the named ones, else all that can run it.

    Raises:
        UsageError: There is no engine of that name, or the bundle has no graph for it.
        DependencyError: No engine for the bundle is installed.
    """
    if not named:
        default_engine(bundle)  # raises if there is none
    formats = {graph.format for graph in bundle.spec.graphs}
    for name in named:
        if graph_format(name) not in formats:
            raise UsageError(
                f"{bundle.spec.name} cannot run in an engine {name!r}; choose one of: "
                f"{', '.join(key for key in ENGINES if ENGINES[key].format in formats)}."
            )
    return tuple(name for name in named or installed_engines() if graph_format(name) in formats)


def accept(path: Path, named: Sequence[str], report: Callable[[str], None]) -> None:
    """Check every file of a bundle, and its golden outputs in child processes, engine by engine.

    Args:
        path: The bundle.
        named: Engines to test; all that are installed and can run it if empty.
        report: Takes a sentence about each engine that passed.

    Raises:
        ArtifactError: A file is missing, changed or extra.
        GateError: An engine crashed, hung or gave something else.
    """
    bundle = open_bundle(path)
    bundle.verify_files().require(path)
    for engine in engines_to_test(bundle, named):
        modes = bundle.spec.saliency_modes(graph_format(engine))
        result = run_self_test(path, engine, modes)
        if not result.passed:
            raise GateError(f"{bundle.spec.name} is refused: {result.problem}.")
        report(f"The golden outputs are as expected in {engine}.")
