"""The model of a run of ``edge-infer``: a bundle that was named, or the store's."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

from edge_runtime.bundle.reader import open_bundle
from edge_runtime.classifier import FrameClassifier
from edge_runtime.infer.options import InferOptions
from edge_runtime.messages import say
from edge_runtime.models import (
    LoadOptions,
    ModelStarter,
    ModelStore,
    StoreClassifier,
    load_classifier,
    signature_check,
    state_directory,
)

__all__ = ["load_options", "open_model"]


def load_options(options: InferOptions, shows_map: Callable[[], bool] | None = None) -> LoadOptions:
    """Return how the options want a model loaded.

    Args:
        options: The options.
        shows_map: Whether anybody would see a map now; None for always.
    """
    return LoadOptions(
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
    verify = signature_check(options.public_key)
    if options.bundle is not None:
        bundle = open_bundle(options.bundle)
        verify(bundle)
        classifier = load_classifier(bundle, load)
        with classifier:
            yield classifier
        return
    store = ModelStore(state_directory(options.state_dir))
    starter = ModelStarter(store, load, verify, report=say)
    # A folder of raw maps is one bundle's, which its mapping.json names.
    follows = options.save_saliency is None
    with StoreClassifier(starter, options.trial_frames, follows) as running:
        yield running
