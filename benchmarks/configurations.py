"""What is measured: every combination of engine, precision and saliency that there is here."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.absent import Absent
from edge_runtime.bundle import Bundle, GraphSpec, Reference, open_reference, reference_path
from edge_runtime.engines import ENGINES, default_engine, graph_format, installed_engines
from edge_runtime.errors import ArtifactError, DependencyError

__all__ = [
    "PRECISIONS",
    "SALIENCIES",
    "Configuration",
    "Matrix",
    "find_reference",
    "graph_of",
    "matrix",
    "schedule",
]

PRECISIONS = ("int8", "float32")
SALIENCIES = ("none", "cam", "gradient-early", "gradient")
_ENGINE_NAME = r"[A-Za-z0-9][A-Za-z0-9_.-]*"


@dataclass(frozen=True)
class Configuration:
    """One thing to measure.

    Attributes:
        engine: Name of an engine; in a report it may be a plug-in's that is not installed here.
        precision: ``int8`` (the bundle) or ``float32`` (its reference).
        saliency: ``none``, ``cam``, ``gradient-early`` or ``gradient``.
        threads: Threads of the engine; None where all configurations have those of the workload.
        bundle: File name of its bundle; None where there is one for all configurations.
    """

    engine: str
    precision: str
    saliency: str
    threads: int | None = None
    bundle: str | None = None

    def __post_init__(self) -> None:
        if re.fullmatch(_ENGINE_NAME, self.engine) is None:
            raise ValueError(f"{self.engine!r} is no name of an engine")
        if self.precision not in PRECISIONS or self.saliency not in SALIENCIES:
            raise ValueError(f"there is no graph {self.precision!r} with {self.saliency!r}")
        if self.threads is not None and self.threads < 1:
            raise ValueError(f"an engine has one thread at least, not {self.threads}")

    @property
    def name(self) -> str:
        """Name for people and for looking up, e.g. ``onnx int8 gradient, 2 threads``."""
        words = [self.engine, self.precision]
        if self.saliency != "none":
            words.append(self.saliency)
        parts = [" ".join(words)]
        if self.threads is not None:
            parts.append("1 thread" if self.threads == 1 else f"{self.threads} threads")
        return ", ".join([*parts, *([] if self.bundle is None else [self.bundle])])

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that :meth:`from_json` reads; without what is None."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Configuration:
        """Build from a JSON object; ``ValueError`` says what is wrong with it."""
        try:
            return cls(
                record["engine"],
                record["precision"],
                record["saliency"],
                record.get("threads"),
                record.get("bundle"),
            )
        except (KeyError, TypeError) as error:
            raise ValueError("a configuration lacks its engine, precision or saliency") from error


@dataclass(frozen=True)
class Matrix:
    """What is measured and what is not.

    Attributes:
        configurations: In the order of measuring within a round.
        left_out: Name of what was not asked for in particular and cannot be measured -> why.
    """

    configurations: tuple[Configuration, ...]
    left_out: dict[str, str]


def find_reference(bundle: Bundle) -> Reference | Absent:
    """Open the float reference that lies beside a bundle.

    Returns:
        The reference, or why there is none to compare with: nothing is there, or it was exported
        with another bundle, so that a ratio would compare two different networks.

    Raises:
        ArtifactError: It is there and damaged.
    """
    path = reference_path(bundle.path)
    if not path.exists():
        return Absent(f"{path.name} does not lie beside the bundle")
    reference = open_reference(path)
    if reference.spec.bundle_sha256 not in ("", bundle.sha256):
        return Absent(f"{path.name} was exported with another bundle")
    return reference


def matrix(
    bundle: Bundle,
    reference: Reference | Absent,
    engines: Sequence[str] = (),
    saliencies: Sequence[str] = (),
) -> Matrix:
    """Decide what to measure.

    Args:
        bundle: The bundle.
        reference: Its float graphs, or why there are none.
        engines: Engines that the user asked for; all that are installed if empty.
        saliencies: Modes that the user asked for; all that the bundle has if empty.

    Raises:
        DependencyError: An engine that was asked for is not installed, or none is.
        ArtifactError: The bundle lacks a graph that was asked for.
    """
    chosen: list[Configuration] = []
    left_out: dict[str, str] = {}
    for engine in _installed(engines, bundle, left_out):
        for saliency in saliencies or SALIENCIES:
            configuration = Configuration(engine, "int8", saliency)
            if _has(bundle, configuration):
                chosen.append(configuration)
            elif saliencies or (engines and saliency == "none"):
                bundle.graph("int8", graph_format(engine), saliency)  # raises, and says why
            else:
                left_out[configuration.name] = f"{bundle.path.name} has no such graph"
        for saliency in saliencies or SALIENCIES:
            configuration = Configuration(engine, "float32", saliency)
            if isinstance(reference, Absent):
                left_out[configuration.name] = reference.reason
            elif _has(reference, configuration):
                chosen.append(configuration)
            else:
                left_out[configuration.name] = f"{reference.path.name} has no such graph"
    if not any(configuration.precision == "int8" for configuration in chosen):
        default_engine(bundle)  # raises with the engine to install for the bundle's formats
        raise ArtifactError(f"{bundle.path} has no graph that can be measured; export it again.")
    return Matrix(tuple(chosen), left_out)


def schedule(
    configurations: Sequence[Configuration], rounds: int
) -> Iterator[tuple[int, Configuration]]:
    """Yield ``(round, configuration)`` in the order of measuring: A B C, A B C, ...

    A machine that warms up or gets busy then slows all configurations down alike, where A A, B B
    would blame the last one.

    Args:
        configurations: What to measure in every round.
        rounds: How often; rounds count from 0.
    """
    for number in range(rounds):
        for configuration in configurations:
            yield number, configuration


def graph_of(folder: Bundle | Reference, configuration: Configuration) -> GraphSpec:
    """Return the graph that a configuration runs; ``StopIteration`` if the folder lacks it."""
    return next(graph for graph in folder.spec.graphs if _matches(graph, configuration))


def _installed(asked: Sequence[str], bundle: Bundle, left_out: dict[str, str]) -> list[str]:
    installed = installed_engines()
    for name in asked:
        if name not in ENGINES:
            graph_format(name)  # raises unless it is a plug-in's
        elif name not in installed:
            raise DependencyError(
                f"The engine {name!r} is not installed here: pip install "
                f"'saliedge[{ENGINES[name].extra}]'."
            )
    if asked:
        return list(dict.fromkeys(asked))
    left_out.update({name: "not installed here" for name in ENGINES if name not in installed})
    if not installed:
        default_engine(bundle)  # raises with the engine to install for the bundle's formats
    return list(installed)


def _has(folder: Bundle | Reference, configuration: Configuration) -> bool:
    return any(_matches(graph, configuration) for graph in folder.spec.graphs)


def _matches(graph: GraphSpec, configuration: Configuration) -> bool:
    return (graph.format, graph.precision, graph.saliency) == (
        graph_format(configuration.engine),
        configuration.precision,
        configuration.saliency,
    )
