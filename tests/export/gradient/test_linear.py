"""The class's row of the classifier starts the gradient."""

from __future__ import annotations

import numpy as np
import pytest
from torch import nn

from edge_runtime.errors import ArtifactError
from export.gradient import add_gradient
from export.lower import lower
from export.program import execute
from tests.export.gradient.autograd import (
    IMAGES,
    assert_follows_autograd,
    correlation,
    torch_maps,
)
from tests.networks import Chain, ConvolutionalClassifier, quantized, stem


@pytest.mark.parametrize("model", [Chain, ConvolutionalClassifier])
def test_the_classifier_may_be_linear_or_a_convolution_of_one_cell(model):
    assert_follows_autograd(Chain(8, stem()) if model is Chain else model())


def test_the_row_of_the_class_that_is_asked_for_is_taken():
    network = quantized(Chain(8, stem()), IMAGES)
    asked = np.arange(8) % 3
    got = execute(add_gradient(lower(network), IMAGES), IMAGES, asked)["saliency"]
    assert np.median(correlation(got, torch_maps(network, asked))) > 0.98


def test_a_second_linear_layer_is_named():
    class Wide(nn.Module):
        def __init__(self):
            super().__init__()
            self.body, self.classifier = Chain(8, stem()), nn.Linear(3, 2)

        def forward(self, x):
            return self.classifier(self.body(x))

    network = quantized(Wide(), IMAGES)
    with pytest.raises(ArtifactError, match="body/classifier is a second linear layer"):
        add_gradient(lower(network), IMAGES)
