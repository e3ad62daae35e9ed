"""From a bundle to a classifier with its engine, as the options of a run ask for."""

from __future__ import annotations

from collections.abc import Callable

from edge_runtime.bundle.reader import Bundle
from edge_runtime.classifier import Classifier, class_index
from edge_runtime.engines.registry import default_engine, graph_format, open_engine
from edge_runtime.errors import ArtifactError
from edge_runtime.quick_dataclass import dataclass

__all__ = ["LoadOptions", "load_classifier"]

_PREFERRED = ("gradient-early", "gradient", "cam")


@dataclass(frozen=True)
class LoadOptions:
    """How a run wants its model loaded, whichever model that is.

    Attributes:
        engine: Name of the engine; the first that is installed if None.
        saliency: ``none``, ``gradient``, ``gradient-early`` or ``cam``; or ``auto`` for the first
            of ``gradient-early``, ``gradient`` and ``cam`` that the bundle has (why in this order:
            docs/results/maps.md).
        saliency_class: Class to explain; the top class if None.
        threads: Threads of the engine; the processors up to four if None.
        saliency_every: A map for every how many frames.
        shows_map: Whether anybody would see a map now, asked before each frame; None for always.
        saliency_copies: Noisy copies of a frame whose maps are averaged; 0 for its own map.
    """

    engine: str | None = None
    saliency: str = "none"
    saliency_class: str | None = None
    threads: int | None = None
    saliency_every: int = 1
    shows_map: Callable[[], bool] | None = None
    saliency_copies: int = 0

    def mode_for(self, bundle: Bundle) -> str:
        """Return the saliency mode of a bundle's maps.

        Raises:
            ArtifactError: The mode is ``auto`` and the bundle has no graph with a map.
            DependencyError: No engine that is installed can run it.
        """
        if self.saliency != "auto":
            return self.saliency
        there = bundle.spec.saliency_modes(graph_format(self.engine_for(bundle)))
        found = next((mode for mode in _PREFERRED if mode in there), None)
        if found is None:
            raise ArtifactError(
                f"{bundle.path} has no graph with a map; give --saliency none, or export it with "
                "maps."
            )
        return found

    def modes_for(self, bundle: Bundle) -> tuple[str, ...]:
        """Return the saliency modes of the graphs that are loaded."""
        mode = self.mode_for(bundle)
        without = self.saliency_every > 1 or self.shows_map is not None or self.saliency_copies > 0
        return (mode, "none") if mode != "none" and without else (mode,)

    def engine_for(self, bundle: Bundle) -> str:
        """Return the name of the engine that runs a bundle.

        Raises:
            DependencyError: None that is installed can.
        """
        return self.engine or default_engine(bundle)


def load_classifier(bundle: Bundle, options: LoadOptions) -> Classifier:
    """Load a bundle's graph, and the one without a map if not every frame gets one.

    The caller closes the classifier.

    Raises:
        UsageError: The bundle lacks the class to explain.
        DependencyError: The engine is not installed or does not work on this machine.
        ArtifactError: The bundle lacks the graph, or the engine cannot load it.
    """
    class_index(bundle, options.saliency_class)
    name = options.engine_for(bundle)
    mode, *without = options.modes_for(bundle)
    engine = open_engine(name, bundle, mode, options.threads)
    plain = None
    if without:
        try:
            plain = open_engine(name, bundle, "none", options.threads)
        except BaseException:
            engine.close()
            raise
    if plain is None:
        return Classifier(bundle, engine, options.saliency_class)
    return Classifier(
        bundle,
        engine,
        options.saliency_class,
        plain,
        options.saliency_every,
        options.shows_map,
        options.saliency_copies,
    )
