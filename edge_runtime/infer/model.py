"""The model of a run of ``edge-infer``: a bundle that was named, or the store's."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from edge_runtime import models
from edge_runtime.bundle.reader import open_bundle
from edge_runtime.classifier import Classifier, FrameClassifier
from edge_runtime.infer.options import InferOptions
from edge_runtime.messages import say

if TYPE_CHECKING:
    from edge_runtime.models import LoadOptions, StoreClassifier

__all__ = ["load_options", "of_store", "open_model"]


def load_options(options: InferOptions, shows_map: Callable[[], bool] | None = None) -> LoadOptions:
    """Return how the options want a model loaded.

    Args:
        options: The options.
        shows_map: Whether anybody would see a map now; None for always.
    """
    return models.LoadOptions(
        options.engine,
        options.saliency_mode,
        options.saliency_class,
        options.threads,
        options.saliency_every,
        shows_map,
        options.saliency_copies,
    )


@contextlib.contextmanager
def open_model(
    options: InferOptions, shows_map: Callable[[], bool] | None = None
) -> Iterator[FrameClassifier]:
    """Load the model that the options name, else the one that the store says should run.

    Args:
        options: The options.
        shows_map: Whether anybody would see a map now; None for always.

    Raises:
        ArtifactError: There is no such bundle or model, or none that works.
        SignatureError: A key is configured and did not sign it.
        SaliedgeError: The options cannot be met.
    """
    load = load_options(options, shows_map)
    verify = models.signature_check(options.public_key)
    if options.bundle is not None:
        bundle = open_bundle(options.bundle)
        verify(bundle)
        classifier = models.load_classifier(bundle, load)
        with classifier:
            yield classifier
        return
    store = models.ModelStore(models.state_directory(options.state_dir))
    starter = models.ModelStarter(store, load, verify, report=say)
    # A folder of raw maps is one bundle's, which its mapping.json names.
    follows = options.save_saliency is None
    with models.StoreClassifier(starter, options.trial_frames, follows) as running:
        yield running


def of_store(classifier: FrameClassifier) -> StoreClassifier | None:
    """Return a classifier whose model the store may exchange; None for that of a named bundle."""
    if isinstance(classifier, Classifier):
        return None  # and the store, which such a run never needs, is not imported
    return classifier if isinstance(classifier, models.StoreClassifier) else None
