"""The backbones by name: this project's, timm's, the user's own and those of plug-ins."""

from __future__ import annotations

import dataclasses
import re

from torch import nn

from edge_runtime import plugins
from edge_runtime.errors import UsageError
from train.backbones.backbone import Backbone, one_mean
from train.backbones.small_cnn import SmallCnn
from train.backbones.squeeze_cnn import SqueezeCnn
from train.backbones.timm_network import timm_backbone
from train.backbones.user_module import user_backbone
from train.source_lines import where_raised

__all__ = ["BACKBONES", "backbone_named", "check_name"]

_TIMM = "timm:"
# module:function, both of them names that could stand in an import statement; no file name.
_USER = re.compile(r"(?!.*\.py:)(?:[^\W\d]\w*\.)*[^\W\d]\w*:[^\W\d]\w*")


def check_name(name: str) -> None:
    """Accept a name of the registry, ``timm:NAME`` or ``module:function``, without looking it up.

    Any other name is accepted if an installed package adds a backbone of that name.

    Raises:
        UsageError: it is none of these; the sentence lists what can be chosen.
        DependencyError: two packages add one of that name.
    """
    if name in BACKBONES or re.fullmatch(r"timm:\S+", name) or _USER.fullmatch(name):
        return
    if plugins.find_plugin(plugins.BACKBONES, name) is None:
        known = (*BACKBONES, *plugins.names_of_plugins(plugins.BACKBONES))
        raise UsageError(
            f"there is no backbone {name!r}; choose one of {', '.join(known)}, timm:NAME or "
            "module:function (a Python module by its import name, no path)."
        )


def backbone_named(name: str) -> Backbone:
    """Look up a backbone; one of the user's or of a plug-in is imported.

    Raises:
        UsageError: there is none of that name, or the user's module cannot be imported.
        DependencyError: the plug-in cannot be imported, or is no backbone.
    """
    check_name(name)
    if name in BACKBONES:
        return BACKBONES[name]
    if name.startswith(_TIMM):
        return timm_backbone(name, name.removeprefix(_TIMM))
    plugin = plugins.find_plugin(plugins.BACKBONES, name)
    return user_backbone(name) if plugin is None else _of_plugin(plugin)


def _of_plugin(plugin: plugins.Plugin) -> Backbone:
    """A plug-in's backbone under the name of its entry point, which a run keeps."""
    backbone: Backbone = plugin.load(
        "a train.backbones.Backbone", lambda found: isinstance(found, Backbone)
    )

    def factory(*arguments: object) -> nn.Module:
        try:
            made = backbone.factory(*arguments)
        except Exception as error:
            raise plugin.broken(f"cannot be made ({where_raised(error)})") from error
        if not isinstance(made, nn.Module):
            raise plugin.broken(f"made a {type(made).__name__} instead of a torch.nn.Module")
        return made

    return dataclasses.replace(backbone, name=plugin.name, factory=factory, has_package=False)


def _efficientnet_lite0(classes: int) -> nn.Module:
    import timm

    # Dropout off: a run must not depend on a random stream that resuming would have to restore.
    module: nn.Module = timm.create_model(
        "tf_efficientnet_lite0", pretrained=False, num_classes=classes, drop_rate=0.0
    )
    return module


def _mobilenet_v2(classes: int, width: float) -> nn.Module:
    from torchvision.models import mobilenet_v2  # type: ignore[import-untyped]

    module: nn.Module = mobilenet_v2(num_classes=classes, dropout=0.0, width_mult=width)
    return module


def _resnet18(classes: int) -> nn.Module:
    from torchvision.models import resnet18

    module: nn.Module = resnet18(num_classes=classes)
    return module


def _resnet50(classes: int) -> nn.Module:
    from torchvision.models import resnet50

    module: nn.Module = resnet50(num_classes=classes)
    return module


_IMAGENET = one_mean((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
BACKBONES: dict[str, Backbone] = {
    backbone.name: backbone
    for backbone in (
        Backbone("efficientnet_lite0", _efficientnet_lite0, 127, 128.0, has_package=True),
        Backbone("mobilenet_v2", _mobilenet_v2, *_IMAGENET, has_width=True),
        Backbone("resnet18", _resnet18, *_IMAGENET),
        Backbone("resnet50", _resnet50, *_IMAGENET),
        Backbone("small_cnn", SmallCnn, has_width=True),
        Backbone("squeeze_cnn", SqueezeCnn, has_width=True),
    )
}
