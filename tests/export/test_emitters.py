"""Both files compute what the integer program says, and nothing between is left in float."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from export.checks.integer_proof import (
    float_operations_onnx,
    float_operations_tflite,
    optimized_onnx,
)
from export.class_activation import add_class_activation
from export.gradient import add_gradient
from export.lower import lower, lower_float
from export.onnx_format.emitter import emit_onnx
from export.operations import Rescale
from export.program import execute
from export.tflite_format.emitter import emit_tflite
from export.tflite_format.flatbuffer import FlatbufferBuilder
from tests.export.runtimes import RUNTIMES, run_tflite
from tests.networks import NETWORKS, as_batch, quantized, random_images

IMAGES = random_images(6, 17, 19)


def program_of(name, bits=(8, 8)):
    torch.manual_seed(1)
    return lower(quantized(NETWORKS[name](), IMAGES, bits))


@RUNTIMES
@pytest.mark.parametrize("bits", [(8, 8), (4, 4), (2, 2)], ids=["8bit", "4bit", "2bit"])
@pytest.mark.parametrize("name", NETWORKS)
def test_logits_and_features_are_within_one_step_of_the_program(name, bits, emit, run):
    program = program_of(name, bits)
    expected, got = execute(program, IMAGES), run(emit(program), IMAGES)
    for output, node in (("logits", program.operations[-2]), ("features", program.operations[-1])):
        step = program.tensors[node.input].scale
        assert got[output].shape == expected[output].shape
        assert np.abs(got[output] - expected[output]).max() <= step * 1.001


@pytest.mark.parametrize("bits", [(8, 8), (4, 4), (2, 2)], ids=["8bit", "4bit", "2bit"])
@pytest.mark.parametrize("name", NETWORKS)
def test_the_program_is_the_fake_quantised_network_to_the_last_bit(name, bits):
    torch.manual_seed(1)
    network = quantized(NETWORKS[name](), IMAGES, bits)
    expected = execute(lower(network), IMAGES)
    with torch.no_grad():
        logits, features = network.forward_features(as_batch(IMAGES))
    assert np.array_equal(logits.numpy(), expected["logits"])
    assert np.array_equal(features.numpy(), expected["features"])


@RUNTIMES
@pytest.mark.parametrize(
    ("quantizer", "bits"),
    [("sawb", (4, 4)), ("sawb", (2, 2)), ("lsq", (8, 8)), ("lsq", (4, 4)), ("lsq", (2, 2))],
)
def test_binned_and_learned_weight_grids_arrive(quantizer, bits, emit, run):
    torch.manual_seed(1)
    network = quantized(NETWORKS["linear_residual"](), IMAGES, bits, quantizer)
    with torch.no_grad():
        # As training leaves them: no two steps have moved alike.
        for gain in network.gain_parameters():
            gain.uniform_(0.5, 1.5)
    with torch.no_grad():
        logits = network(as_batch(IMAGES)).numpy()
    program = lower(network)
    assert np.array_equal(execute(program, IMAGES)["logits"], logits)
    step = program.tensors[network.graph.logits.name].scale
    assert np.abs(run(emit(program), IMAGES)["logits"] - logits).max() <= step * 1.001


@pytest.mark.parametrize("scale", [1 / 128, 1 / 255, 0.0173, 1.1e-4])
def test_every_byte_of_an_image_comes_in_as_it_is_by_way_of_real_numbers(scale):
    every_byte = np.arange(256, dtype=np.uint8)[None]
    for zero_point in (*range(0, 256, 15), 127):
        builder = FlatbufferBuilder("test")
        builder.tensor("image", (1, 256), np.uint8, scale=scale, zero_point=zero_point)
        builder.tensor("image/real", (1, 256), np.float32)
        builder.tensor("bytes", (1, 256), np.int8, scale=scale, zero_point=zero_point - 128)
        builder.operator("DEQUANTIZE", ["image"], "image/real", version=2)
        builder.operator("QUANTIZE", ["image/real"], "bytes", version=2)
        got = run_tflite(builder.finish(["image"], ["bytes"]), every_byte)["bytes"]
        assert np.array_equal(got, every_byte.astype(np.int16) - 128)


@RUNTIMES
@pytest.mark.parametrize("name", NETWORKS)
def test_the_float_reference_is_the_folded_network(name, emit, run):
    torch.manual_seed(1)
    network = quantized(NETWORKS[name](), IMAGES)
    data = emit(lower_float(network))
    network.quantize = False
    with torch.no_grad():
        logits, features = network.forward_features(as_batch(IMAGES))
    got = run(data, IMAGES)
    np.testing.assert_allclose(got["logits"], logits.numpy(), rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(got["features"], features.numpy(), rtol=1e-3, atol=1e-4)


@RUNTIMES
@pytest.mark.parametrize("name", ["linear_residual", "rectified_residual", "depthwise_5x5_stride"])
def test_gradients_rescaled_wherever_possible_match_their_program(name, emit, run, monkeypatch):
    monkeypatch.setattr("export.gradient.normalization._LARGEST_SPREAD", 0.0)
    monkeypatch.setattr("export.gradient.normalization._CHEAP_SHARE", 1.0)
    program = add_gradient(program_of(name), IMAGES)
    assert sum(isinstance(operation, Rescale) for operation in program.operations) > 1
    asked = np.full(len(IMAGES), -1)
    expected, got = execute(program, IMAGES), run(emit(program), IMAGES, asked)
    largest = np.abs(expected["saliency"]).max()
    assert np.abs(got["saliency"] - expected["saliency"]).max() <= 0.05 * largest


@RUNTIMES
@pytest.mark.parametrize("derive", [add_gradient, add_class_activation])
@pytest.mark.parametrize("name", NETWORKS)
def test_saliency_graphs_match_their_program(name, derive, emit, run):
    program = derive(program_of(name), IMAGES)
    asked = np.array([-1, 0, 1, 2, -1, 2])
    expected, got = execute(program, IMAGES, asked), run(emit(program), IMAGES, asked)
    assert np.array_equal(got["class_index_used"], expected["class_index_used"])
    assert got["saliency"].shape == expected["saliency"].shape
    largest = np.abs(expected["saliency"]).max()
    # A few steps, since a step at one site can become several further on.
    assert np.abs(got["saliency"] - expected["saliency"]).max() <= 0.05 * largest


@RUNTIMES
def test_a_given_class_is_explained(emit, run):
    program = add_gradient(program_of("plain"), IMAGES)
    data = emit(program)
    used = run(data, IMAGES, np.array([2] * 6))["class_index_used"]
    assert used.tolist() == [2] * 6


@pytest.mark.parametrize("derive", [add_gradient, add_class_activation])
@pytest.mark.parametrize("name", NETWORKS)
def test_both_runtimes_compute_in_integers(name, derive):
    program = derive(program_of(name), IMAGES)
    assert float_operations_onnx(optimized_onnx(emit_onnx(program))) == ()
    assert float_operations_tflite(emit_tflite(program)) == ()
