"""Any network of timm by its name there, such as ``resnet50`` or ``mobilenetv2_050.lamb_in1k``."""

from __future__ import annotations

import difflib

from torch import nn

from edge_runtime.errors import UsageError
from train.backbones.backbone import Backbone, one_mean

__all__ = ["timm_backbone"]


def timm_backbone(name: str, timm_name: str) -> Backbone:
    """A network of timm, its input as in the configuration of its published weights.

    Args:
        name: as in ``--backbone``.
        timm_name: the architecture, with the tag of its weights or without.

    Raises:
        UsageError: timm has no such network, or no such tag.
    """
    import timm

    architecture = timm_name.partition(".")[0]
    if not timm.is_model(architecture):
        near = difflib.get_close_matches(architecture, timm.list_models(), 3, 0.5)
        advice = f"did you mean {', '.join(near)}?" if near else "see timm.list_models()."
        raise UsageError(f"timm has no network {architecture!r} (--backbone {name}); {advice}")
    try:
        published = timm.get_pretrained_cfg(timm_name)
    except RuntimeError as error:  # what timm raises for a tag that it does not know
        raise UsageError(
            f"timm has no weights of that tag (--backbone {name}); leave out the part behind the "
            "point."
        ) from error
    mean_and_std = () if published is None else one_mean(published.mean, published.std)

    def factory(classes: int) -> nn.Module:
        # Random dropping off: a run must not depend on a random stream that resuming would have to
        # restore.
        module: nn.Module = timm.create_model(
            timm_name, pretrained=False, num_classes=classes, drop_rate=0.0
        )
        return module

    return Backbone(name, factory, *mean_and_std)
