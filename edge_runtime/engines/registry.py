"""Which engines there are, which are installed, and opening one by name."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING

from edge_runtime import plugins
from edge_runtime.engines.base import Engine, default_threads
from edge_runtime.errors import ArtifactError, DependencyError, UsageError
from edge_runtime.quick_dataclass import dataclass
from edge_runtime.supported_system import require_supported_system

if TYPE_CHECKING:
    from edge_runtime.bundle.graphs import GraphSpec
    from edge_runtime.bundle.reader import Bundle, Reference

__all__ = [
    "ENGINES",
    "EngineEntry",
    "default_engine",
    "graph_format",
    "installed_engines",
    "load_engine",
    "open_engine",
]


@dataclass(frozen=True)
class EngineEntry:
    """An engine that is known by name until it is opened.

    Attributes:
        format: Graph format that it loads.
        package: Import name of the package it needs.
        extra: Extra of this distribution that installs the package.
        target: ``module:class`` of the engine.
    """

    format: str
    package: str
    extra: str
    target: str


ENGINES: dict[str, EngineEntry] = {
    "onnx": EngineEntry("onnx", "onnxruntime", "onnx", "edge_runtime.engines.onnx:OnnxEngine"),
    "litert": EngineEntry(
        "tflite", "ai_edge_litert", "litert", "edge_runtime.engines.tflite:LiteRtEngine"
    ),
    "tflite-runtime": EngineEntry(
        "tflite",
        "tflite_runtime",
        "tflite-runtime",
        "edge_runtime.engines.tflite:TfliteRuntimeEngine",
    ),
}
"""This project's engines, name -> where it is; the order is the order of preference."""

_FORMATS = ("onnx", "tflite")


def installed_engines() -> tuple[str, ...]:
    """Return those of :data:`ENGINES` whose package is installed, without importing any."""
    return tuple(name for name, entry in ENGINES.items() if find_spec(entry.package) is not None)


def default_engine(bundle: Bundle | Reference) -> str:
    """Return the first installed engine that has a graph in the bundle.

    Raises:
        DependencyError: No engine is installed, or none for the bundle's formats, or none can run
            on this system.
    """
    require_supported_system()
    offered = {graph.format for graph in bundle.spec.graphs}
    for name in installed_engines():
        if ENGINES[name].format in offered:
            return name
    wanted = [entry.extra for entry in ENGINES.values() if entry.format in offered]
    raise DependencyError(
        f"No engine for {bundle.path} is installed here: pip install "
        f"'saliedge[{wanted[0] if wanted else 'onnx'}]'."
    )


def graph_format(name: str) -> str:
    """Return the format of the graphs that an engine loads, ``onnx`` or ``tflite``.

    Args:
        name: A key of :data:`ENGINES`, or the name of a plug-in, which is imported.

    Raises:
        UsageError: There is no engine of that name.
        DependencyError: The plug-in cannot be imported, or is no engine.
    """
    if name in ENGINES:
        return ENGINES[name].format
    plugin = _plugin(name)
    engine: type[Engine] = plugin.load(
        "a subclass of Engine whose graph_format is onnx or tflite", _is_engine
    )
    return engine.graph_format


def open_engine(
    name: str,
    bundle: Bundle | Reference,
    saliency: str = "none",
    threads: int | None = None,
    precision: str = "int8",
) -> Engine:
    """Load a graph of a bundle into an engine.

    Args:
        name: A key of :data:`ENGINES`, or the name of a plug-in.
        bundle: An opened bundle (``int8``) or reference (``float32``).
        saliency: ``none``, ``gradient``, ``gradient-early`` or ``cam``.
        threads: Threads for one inference; the processors up to four if None.
        precision: ``int8`` or ``float32``.

    Raises:
        UsageError: There is no engine of that name, or ``threads`` is below one.
        DependencyError: Its package is not installed or does not work on this machine.
        ArtifactError: The bundle has no such graph, or the engine cannot load it.

    Examples:
        >>> import numpy as np
        >>> from edge_runtime.bundle import open_bundle
        >>> image = np.full((1, 16, 16, 3), 200, np.uint8)  # [1, H, W, 3], RGB
        >>> with open_engine("onnx", open_bundle("toy.edge"), saliency="gradient") as engine:
        ...     found = engine.run(image, class_index=2)
        >>> found.logits.shape, found.saliency.shape, found.class_index_used
        ((3,), (16, 16), 2)
    """
    require_supported_system()
    if name in ENGINES:
        _require_installed(name)
    graph, model = bundle.graph(precision, graph_format(name), saliency)
    return load_engine(name, graph, model, threads)


def load_engine(name: str, graph: GraphSpec, model: bytes, threads: int | None = None) -> Engine:
    """Load the bytes of one graph into an engine; see :func:`open_engine` for the rest.

    Args:
        name: A key of :data:`ENGINES`, or the name of a plug-in.
        graph: What the graph takes and gives.
        model: Its file's bytes.
        threads: Threads for one inference; the processors up to four if None.
    """
    if threads is not None and threads < 1:
        raise UsageError(f"An engine needs at least one thread, not {threads}.")
    arguments = (name, graph, model, threads or default_threads())
    if name not in ENGINES:
        engine: Engine = _plugin(name).make(Engine, *arguments)
        return engine
    entry = _require_installed(name)
    module, _, attribute = entry.target.partition(":")
    try:
        engine = getattr(import_module(module), attribute)(*arguments)
    except ArtifactError:
        raise
    except (ImportError, OSError) as error:
        raise DependencyError(
            f"The engine {name!r} is installed but cannot be loaded here "
            f"({' '.join(str(error).split())[:200]}); reinstall it: pip install "
            f"--force-reinstall 'saliedge[{entry.extra}]'."
        ) from error
    return engine


def _require_installed(name: str) -> EngineEntry:
    entry = ENGINES[name]
    if find_spec(entry.package) is None:
        raise DependencyError(
            f"The engine {name!r} is not installed here: pip install 'saliedge[{entry.extra}]'."
        )
    return entry


def _plugin(name: str) -> plugins.Plugin:
    plugin = plugins.find_plugin(plugins.ENGINES, name)
    if plugin is None:
        known = (*ENGINES, *plugins.names_of_plugins(plugins.ENGINES))
        raise UsageError(f"There is no engine {name!r}; choose one of: {', '.join(known)}.")
    return plugin


def _is_engine(found: object) -> bool:
    is_one = isinstance(found, type) and issubclass(found, Engine)
    return is_one and getattr(found, "graph_format", None) in _FORMATS
