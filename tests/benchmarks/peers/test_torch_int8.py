"""torch's network is the reference's, and its INT8 is near it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from onnx import TensorProto, helper

from benchmarks.peers.post_training import calibration_images, float_onnx, normalised
from benchmarks.peers.torch_int8 import network_of, quantize_torch, torch_engine
from edge_runtime.bundle import open_bundle, open_reference
from edge_runtime.engines import open_engine
from edge_runtime.errors import GateError


@pytest.fixture(scope="module")
def reference(tiny_bundle):
    """The float graphs beside `tiny_bundle`."""
    return open_reference(tiny_bundle.with_name("tiny.reference"))


@pytest.fixture(scope="module")
def images(tiny_bundle):
    """Network bytes, uint8 `[N, H, W, 3]`."""
    return calibration_images(open_bundle(tiny_bundle))


@pytest.fixture(scope="module")
def expected(reference, images):
    """Logits of the float reference in ONNX Runtime."""
    with open_engine("onnx", reference, "none", 1, "float32") as engine:
        return np.stack([engine.run(image[None]).logits for image in images])


def test_it_reads_the_network_back_from_onnx(reference, images, expected):
    network = network_of(float_onnx(reference))
    with torch.no_grad():
        found = network(torch.from_numpy(normalised(images)).permute(0, 3, 1, 2))
    assert found.numpy() == pytest.approx(expected, abs=1e-4 * float(np.ptp(expected)))


def test_its_int8_is_near_the_float_network(reference, images, expected, tmp_path):
    quantize_torch(reference, images, tmp_path / "int8.pt")
    _, normalise, run = torch_engine(str(tmp_path / "int8.pt"))
    found = []
    for image in images:
        normalise(image)
        found.append(run().copy())
    assert np.abs(np.array(found) - expected).max() < 0.25 * np.ptp(expected)


def test_it_refuses_an_operation_that_it_does_not_know():
    shape = [1, 3, 4, 4]
    graph = helper.make_graph(
        [helper.make_node("Softplus", ["image"], ["logits"])],
        "graph",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, shape)],
    )
    with pytest.raises(GateError, match="Softplus"):
        network_of(helper.make_model(graph))
