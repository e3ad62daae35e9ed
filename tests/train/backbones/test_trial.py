"""What is wrong with a network is said before it is trained, in one sentence with its line."""

from __future__ import annotations

import inspect

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from edge_runtime.errors import ArtifactError, UsageError
from tests.networks import Chain, stem
from train.backbones import Backbone, try_backbone


class SoftmaxAtTheEnd(Chain):
    def forward(self, x: Tensor) -> Tensor:
        logits = super().forward(x)
        return torch.softmax(logits, dim=1)


class GeluInside(Chain):
    def forward(self, x: Tensor) -> Tensor:
        x = self.layers(x)
        x = F.gelu(x)
        return self.classifier(x.mean((2, 3)))


class GeluModule(Chain):
    def __init__(self) -> None:
        super().__init__(8, stem(), nn.Conv2d(8, 8, 1))
        self.activation = nn.GELU()

    def forward(self, x: Tensor) -> Tensor:
        x = self.layers(x)
        x = self.activation(x)
        return self.classifier(x.mean((2, 3)))


class AuxiliaryInTraining(Chain):
    def forward(self, x: Tensor) -> Tensor:
        logits = super().forward(x)
        return (logits, logits) if self.training else logits


class TooDeep(Chain):
    def forward(self, x: Tensor) -> Tensor:
        x = F.avg_pool2d(x, 64)
        return super().forward(x)


def trial(module: nn.Module, classes: int = 3) -> None:
    backbone = Backbone("mine:make", lambda _: module)
    try_backbone(backbone, classes, height=24, width=32)


def line_of(kind: type, code: str) -> str:
    lines, first = inspect.getsourcelines(kind)
    return f"line {first + next(i for i, line in enumerate(lines) if code in line)}"


def test_a_network_that_can_be_quantised_passes_and_leaves_the_random_stream_alone() -> None:
    module = Chain(8, stem(), nn.Dropout())
    torch.manual_seed(1)
    trial(module)
    after = torch.rand(1)
    torch.manual_seed(1)
    assert torch.equal(after, torch.rand(1))


@pytest.mark.parametrize(
    ("module", "operation", "code"),
    [
        (SoftmaxAtTheEnd(8, stem()), "softmax", "torch.softmax("),
        (GeluInside(8, stem(), nn.Conv2d(8, 8, 1)), "gelu", "F.gelu("),
        (GeluModule(), r"gelu.default in activation", "self.activation(x)"),
    ],
)
def test_an_operation_without_integers_is_named_with_its_line(
    module: nn.Module, operation: str, code: str
) -> None:
    with pytest.raises(ArtifactError, match=f"{operation}.*cannot be quantised") as caught:
        trial(module)
    assert f"test_trial.py, {line_of(type(module), code)})" in str(caught.value)


def test_another_number_of_logits_than_of_classes() -> None:
    with pytest.raises(UsageError, match=r"gave \[2, 3\] for 2 images.*must give logits \[2, 5\]"):
        trial(Chain(8, stem()), classes=5)


def test_more_outputs_than_the_logits_even_if_in_training_only() -> None:
    with pytest.raises(UsageError, match="gave a tuple; it must return the logits alone"):
        trial(AuxiliaryInTraining(8, stem()))


def test_a_forward_that_raises_is_shown_with_its_line() -> None:
    with pytest.raises(UsageError, match="on images of 32x24 pixels its forward raised") as caught:
        trial(TooDeep(8, stem()))
    assert f"test_trial.py, {line_of(TooDeep, 'F.avg_pool2d(')}" in str(caught.value)
    assert "\n" not in str(caught.value)
