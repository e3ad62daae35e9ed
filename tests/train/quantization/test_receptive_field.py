"""The centres of receptive fields, against numbers worked out by hand and by looking."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from edge_runtime.map_grid import MapGrid
from tests.networks import Chain, as_batch
from train.attribution import METHODS, places_of
from train.quantization import QuantizationConfig, QuantizedNetwork
from train.quantization.receptive_field import CellPlaces


class Same(nn.Module):
    """TensorFlow's "same" padding at stride 2 on an even side: nothing before, one after."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(inputs, outputs, 3, stride=2)

    def forward(self, x):
        return F.relu(self.convolution(F.pad(x, (0, 1, 0, 1))))


class Split(nn.Module):
    """Two strides side by side whose windows lie elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.same, self.symmetric = Same(3, 4), nn.Conv2d(3, 4, 3, 2, 1)

    def forward(self, x):
        return torch.cat([self.same(x), F.relu(self.symmetric(x))], dim=1)


def network_of(model: nn.Module, side: int = 32) -> QuantizedNetwork:
    return QuantizedNetwork.from_model(model.eval(), side, side, QuantizationConfig())


def square(first: float, stride: float) -> MapGrid:
    return MapGrid((first, first), (stride, stride))


@pytest.mark.parametrize(
    ("layers", "first", "stride"),
    [
        # Symmetric padding looks half an input cell up and left of the nominal 1.0, 2.0, 4.0.
        ([nn.Conv2d(3, 8, 3, 2, 1)], 0.5, 2),
        ([nn.Conv2d(3, 8, 3, 2, 1), nn.Conv2d(8, 8, 3, 2, 1)], 0.5, 4),
        # TensorFlow's looks half an input cell down and right: 1.5, then 1.5 + 2 = 3.5.
        ([Same(3, 8)], 1.5, 2),
        ([Same(3, 8), Same(8, 8)], 3.5, 4),
        # Windows of 2 x 2 lie evenly.
        ([nn.Conv2d(3, 8, 1), nn.ReLU(), nn.MaxPool2d(2), nn.AvgPool2d(2)], 2.0, 4),
        # 0.5 + (4 - 0) / 2 without padding; 2 (3 - 1) / 2 - 2 = 0 with dilation.
        ([nn.Conv2d(3, 8, 5)], 2.5, 1),
        ([nn.Conv2d(3, 8, 3, padding=2, dilation=2)], 0.5, 1),
    ],
)
def test_the_first_cell_lies_where_its_window_does(layers, first, stride):
    network = network_of(Chain(8, *layers))
    assert places_of(network, "cam") == CellPlaces(square(first, stride), True)


def test_height_and_width_are_followed_apart():
    network = network_of(Chain(8, nn.Conv2d(3, 8, (3, 5), (1, 2), (1, 0))))
    assert places_of(network, "cam") == CellPlaces(MapGrid((0.5, 2.5), (1.0, 2.0)), True)


def test_branches_that_look_elsewhere_are_averaged_and_it_is_said():
    places = places_of(network_of(Chain(8, Split())), "cam")
    assert places == CellPlaces(square(1.0, 2.0), branches_agree=False)


def test_maps_of_pixels_have_no_cells():
    assert places_of(network_of(Chain(8, Same(3, 8))), "gradient") is None


@pytest.mark.parametrize("padding", ["same", "symmetric"])
def test_a_bright_blob_comes_out_at_its_place(padding):
    """Five averaging strides: nominal places would be 15.5 pixels off."""
    strides = [
        Same(3 if depth == 0 else 4, 4)
        if padding == "same"
        else nn.Sequential(nn.Conv2d(3 if depth == 0 else 4, 4, 3, 2, 1), nn.ReLU())
        for depth in range(5)
    ]
    model = Chain(4, *strides)
    kernel = torch.tensor([1.0, 2.0, 1.0]) / 4
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() == 4:
                parameter[...] = torch.outer(kernel, kernel) / parameter.shape[1]
            else:
                parameter.zero_()
        model.classifier.weight.fill_(1.0)
    network = network_of(model, 320)
    rows, columns = 180.0, 110.0
    y, x = np.mgrid[:320, :320] + 0.5
    blob = 128 * np.exp(-((y - rows) ** 2 + (x - columns) ** 2) / (2 * 24**2))
    image = np.repeat((127 + blob)[None, :, :, None], 3, axis=3).astype(np.uint8)
    maps = METHODS["cam"](network, as_batch(image), torch.tensor([0])).numpy()

    def centre(grid: MapGrid) -> tuple[float, float]:
        large = grid.enlarged(maps, (320, 320))[0].astype(np.float64)
        return float((large * y).sum() / large.sum()), float((large * x).sum() / large.sum())

    places = places_of(network, "cam")
    assert places is not None
    assert centre(places.grid) == pytest.approx((rows, columns), abs=1.5)
    nominal = centre(MapGrid.nominal((10, 10), (320, 320)))
    assert max(abs(nominal[0] - rows), abs(nominal[1] - columns)) > 10
