"""The integer reference of each operation against numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from export.operations import (
    Add,
    AvgPool,
    Concat,
    Conv,
    Dequantize,
    Flatten,
    GlobalAvgPool,
    Linear,
    MaxPool,
    Mul,
    forward,
)
from export.program import ProgramTensor


def spec(scale, **fields):
    """A tensor of which only the grid matters."""
    return ProgramTensor("tensor", (1,), scale, **fields)


def integers(*values):
    return torch.tensor(values, dtype=torch.float64)


def run(operation, specs, **values):
    return operation.run(specs, values)


def linear(weight, scale, bias):
    weight, bias = np.array(weight, np.int8), np.array(bias, np.int32)
    return Linear("x", "y", "layer", weight, np.array(scale, np.float32), bias)


def test_a_linear_layer_takes_the_zero_point_off_and_has_a_multiplier_per_channel():
    layer = linear([[2, -1], [3, 4]], [0.5, 0.25], [10, -20])
    specs = {"x": spec(0.5, zero_point=3), "y": spec(0.125)}
    # Inputs are 5 - 3 and 7 - 3. Channels: (2*2 - 4 + 10) * 0.5*0.5/0.125 and (6 + 16 - 20) * 1.
    assert run(layer, specs, x=integers([5, 7])).tolist() == [[20.0, 2.0]]


def test_an_accumulator_is_rounded_half_to_even_and_clipped_to_the_grid():
    layer = linear([[1]], [0.5], [0])
    specs = {"x": spec(1.0), "y": spec(1.0, signed=True, low=-3, high=5)}
    x = integers([1], [3], [5], [40], [-7], [-40])
    assert run(layer, specs, x=x).flatten().tolist() == [0.0, 2.0, 2.0, 5.0, -3.0, -3.0]


def test_the_multiplier_is_rounded_to_float32_as_a_kernel_has_it():
    layer = linear([[1]], [0.1], [0])
    specs = {"x": spec(0.7), "y": spec(0.3, high=1 << 30)}
    multiplier = np.float32(0.7) * np.float32(0.1) / np.float32(0.3)
    # The product is rounded to 24 bits, too.
    expected = float(np.rint(np.float32(123_456_789) * multiplier))
    assert run(layer, specs, x=integers([123_456_789])).item() == expected


def convolution(groups=2, dilation=(1, 2), stride=(2, 1), padding=(1, 0, 2, 1)):
    random = np.random.default_rng(0)
    weight = random.integers(-127, 128, (4, 4 // groups, 2, 3)).astype(np.int8)
    bias = random.integers(-500, 500, 4).astype(np.int32)
    scale = np.full(4, 0.25, np.float32)
    return Conv("x", "y", "layer", weight, scale, bias, stride, padding, dilation, groups)


def naive(layer, x):
    """The convolution sum by sum; ``x`` has its zero point taken off, ``[N, C, H, W]``."""
    top, bottom, left, right = layer.padding
    x = np.pad(x, ((0, 0), (0, 0), (top, bottom), (left, right)))
    outputs, inputs, rows, columns = layer.weight.shape
    height = (x.shape[2] - layer.dilation[0] * (rows - 1) - 1) // layer.stride[0] + 1
    width = (x.shape[3] - layer.dilation[1] * (columns - 1) - 1) // layer.stride[1] + 1
    found = np.zeros((len(x), outputs, height, width))
    for n, o, i, j in np.ndindex(found.shape):
        first = o // (outputs // layer.groups) * inputs
        window = x[n, first : first + inputs]
        window = window[:, i * layer.stride[0] :: layer.dilation[0]][:, :rows]
        window = window[:, :, j * layer.stride[1] :: layer.dilation[1]][:, :, :columns]
        found[n, o, i, j] = (window * layer.weight[o]).sum() + layer.bias[o]
    return found


@pytest.mark.parametrize("unfolded_bytes", [1, 256 << 20])
def test_a_convolution_is_the_exact_sum_also_in_parts(monkeypatch, unfolded_bytes):
    monkeypatch.setattr(forward, "_UNFOLDED_BYTES", unfolded_bytes)
    layer = convolution()
    x = np.random.default_rng(1).integers(0, 256, (3, 4, 5, 6)).astype(np.float64)
    specs = {
        "x": spec(4.0, zero_point=7),
        "y": spec(1.0, signed=True, low=-1_000_000, high=1_000_000),
    }
    found = run(layer, specs, x=torch.from_numpy(x))
    assert np.array_equal(found.numpy(), naive(layer, x - 7))


@pytest.mark.parametrize(("allowed", "parts"), [(2, [2, 2, 1]), (0.5, [1] * 5)])
def test_a_convolution_is_split_so_that_no_part_unfolds_more_than_is_allowed(
    monkeypatch, allowed, parts
):
    """Or image by image, where one is more than that."""
    calls = []

    def recorded(part, *arguments):
        calls.append(len(part))
        return conv2d(part, *arguments)

    conv2d = F.conv2d
    monkeypatch.setattr(forward.F, "conv2d", recorded)
    # An image of 6 x 9 with the padding has 27 cells at this stride, each of 2 groups of 2 channels
    # under 2 x 3 float64 weights.
    image = 27 * 2 * (2 * 2 * 3) * 8
    monkeypatch.setattr(forward, "_UNFOLDED_BYTES", int(allowed * image))
    convolution().convolve(torch.zeros(5, 4, 5, 6), torch.zeros(4, 2, 2, 3), None)
    assert calls == parts


def test_a_convolution_without_options_moves_by_one_without_padding():
    weight = np.ones((1, 1, 1, 2), np.int8)
    layer = Conv("x", "y", "layer", weight, np.ones(1, np.float32), np.zeros(1, np.int32))
    x = integers([[[1, 2, 4]]])
    assert run(layer, {"x": spec(1.0), "y": spec(1.0)}, x=x).tolist() == [[[[3.0, 6.0]]]]


def test_a_sum_is_that_of_the_real_values():
    specs = {"a": spec(0.5), "b": spec(0.25, zero_point=2), "y": spec(0.5, high=15)}
    # (3 * 0.5 + (5 - 2) * 0.25) / 0.5 = 4.5, to even; the second is beyond the grid.
    found = run(Add("a", "b", "y"), specs, a=integers(3, 40), b=integers(5, 2))
    assert found.tolist() == [4.0, 15.0]


def test_a_product_is_exact_and_has_one_multiplier_also_of_a_gate():
    specs = {"a": spec(0.5), "b": spec(0.25), "y": spec(0.0625, low=-20, signed=True, high=100)}
    a, gate = integers([[[3, -4]], [[50, 1]]]), integers([[[2]], [[5]]])
    # 0.5 * 0.25 / 0.0625 = 2.
    assert run(Mul("a", "b", "y"), specs, a=a, b=gate).tolist() == [
        [[[12.0, -16.0]], [[100.0, 10.0]]]
    ]
    assert run(Mul("a", "b", "y"), specs, a=integers(-9), b=integers(3)).tolist() == [-20.0]


def test_a_product_is_rounded_to_float32_before_it_is_to_an_integer():
    specs = {"a": spec(0.7), "b": spec(0.1), "y": spec(0.3, high=1 << 40)}
    multiplier = np.float32(0.7) * np.float32(0.1) / np.float32(0.3)
    found = run(Mul("a", "b", "y"), specs, a=integers(12_345), b=integers(6_789))
    assert found.item() == float(np.rint(np.float32(12_345 * 6_789) * multiplier))


def test_channels_are_joined_in_order():
    a, b = torch.zeros(1, 1, 2, 2), torch.ones(1, 2, 2, 2)
    found = run(Concat(("b", "a"), "y"), {}, a=a, b=b)
    assert found[0, :, 0, 0].tolist() == [1.0, 1.0, 0.0]


def test_the_padding_of_a_max_pool_never_wins():
    pool = MaxPool("x", "y", (2, 2), (2, 1), (1, 0, 2, 1))
    x = integers([[[-9, -4, -7], [-1, -2, -3], [-6, -5, -8]]])
    # Rows: padding and the first, then the second and third; columns: two of padding on the left.
    assert run(pool, {}, x=x)[0, 0].tolist() == [
        [float("-inf"), -9.0, -4.0, -4.0, -7.0],
        [float("-inf"), -1.0, -1.0, -2.0, -3.0],
    ]


def test_an_average_of_a_window_is_rounded_half_to_even():
    pool = AvgPool("x", "y", (1, 2), (1, 1), (0, 0, 0, 0))
    x = integers([[[1, 2, 3, 4, 2, 2]]])
    assert run(pool, {}, x=x).tolist() == [[[[2.0, 2.0, 4.0, 3.0, 2.0]]]]


def test_a_global_average_is_quantised_at_its_output():
    specs = {"x": spec(0.5, zero_point=1), "y": spec(0.25, high=15)}
    x = integers([[[2, 3], [3, 4]], [[90, 90], [90, 90]]])
    found = run(GlobalAvgPool("x", "y"), specs, x=x)
    # The mean is 3, so (3 - 1) * 0.5 / 0.25; the second channel is beyond the grid.
    assert found.tolist() == [[[[4.0]], [[15.0]]]]


def test_images_stay_apart_when_channels_are_flattened():
    assert run(Flatten("x", "y"), {}, x=torch.zeros(2, 3, 1, 1)).shape == (2, 3)


def test_the_end_of_the_graph_is_step_times_scale():
    specs = {"x": spec(0.5, zero_point=4)}
    assert run(Dequantize("x", "y"), specs, x=integers(4, 7)).tolist() == [0.0, 1.5]
