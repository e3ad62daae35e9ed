"""Every engine gives what the graph interface promises, matched by name."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from edge_runtime import installed_engines, open_bundle, open_engine, open_reference
from edge_runtime.bundle import reference_path
from edge_runtime.engines import ENGINES, default_engine, registry
from edge_runtime.errors import ArtifactError, DependencyError, UsageError
from tests.edge_runtime import tiny_graphs

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
HERE = [pytest.param(name, id=name) for name in installed_engines()]
IMAGES = tiny_graphs.golden_images()


@pytest.fixture
def bundle(tiny_bundle_path):
    return open_bundle(tiny_bundle_path)


@pytest.mark.parametrize("name", HERE)
def test_logits_and_features_of_the_plain_graph(bundle, name):
    with open_engine(name, bundle, threads=1) as engine:
        for image, logits in zip(IMAGES, tiny_graphs.expected_logits(IMAGES), strict=True):
            result = engine.run(image[None])
            np.testing.assert_allclose(result.logits, logits, atol=1e-5)
            assert result.features.shape == (3,)
            assert result.saliency is None
            assert result.class_index_used == logits.argmax()


@pytest.mark.parametrize("mode", ["gradient", "cam"])
@pytest.mark.parametrize("name", HERE)
def test_saliency_of_the_top_class(bundle, name, mode):
    expected = tiny_graphs.expected_saliency(IMAGES, mode)
    with open_engine(name, bundle, mode, threads=1) as engine:
        for image, wanted in zip(IMAGES, expected, strict=True):
            result = engine.run(image[None])
            assert result.saliency.dtype == np.float32
            np.testing.assert_allclose(result.saliency, wanted, atol=1e-5)


@pytest.mark.parametrize("name", HERE)
def test_saliency_of_a_class_that_the_caller_names(bundle, name):
    with open_engine(name, bundle, "cam", threads=1) as engine:
        results = [engine.run(IMAGES[:1], class_index=index) for index in (-1, 0, 2)]
    assert [result.class_index_used for result in results] == [0, 0, 2]
    assert np.array_equal(results[0].saliency, results[1].saliency)
    assert not np.array_equal(results[0].saliency, results[2].saliency)


@pytest.mark.parametrize("name", HERE)
def test_results_belong_to_the_caller(bundle, name):
    with open_engine(name, bundle, "gradient", threads=1) as engine:
        first = engine.run(IMAGES[:1])
        kept = first.logits.copy(), first.saliency.copy()
        engine.run(IMAGES[1:2])
    assert np.array_equal(first.logits, kept[0])
    assert np.array_equal(first.saliency, kept[1])


@pytest.mark.parametrize(
    ("image", "class_index"),
    [
        (np.zeros((1, 8, 8, 3), np.uint8), -1),
        (np.zeros((1, 16, 16, 3), np.float32), -1),
        (np.zeros((16, 16, 3), np.uint8), -1),
        (np.zeros((1, 16, 16, 3), np.uint8), 3),
        (np.zeros((1, 16, 16, 3), np.uint8), -2),
    ],
    ids=["size", "dtype", "no batch", "class above", "class below"],
)
@pytest.mark.parametrize("name", HERE)
def test_wrong_input_is_refused_before_the_engine_sees_it(bundle, name, image, class_index):
    with open_engine(name, bundle, "cam", threads=1) as engine, pytest.raises(ValueError):
        engine.run(image, class_index)


def test_the_float_reference_opens_beside_the_bundle(tiny_bundle_path):
    reference = open_reference(reference_path(tiny_bundle_path))
    with open_engine("onnx", reference, precision="float32", threads=1) as engine:
        assert engine.run(IMAGES[:1]).class_index_used == 0


def test_an_unknown_engine_is_a_usage_error_that_lists_them(bundle):
    with pytest.raises(UsageError, match="onnx, litert, tflite-runtime"):
        open_engine("tensorrt", bundle)


def test_zero_threads_are_refused(bundle):
    with pytest.raises(UsageError, match="at least one thread"):
        open_engine("onnx", bundle, threads=0)


def test_an_engine_that_is_not_installed_names_its_extra(bundle, monkeypatch):
    monkeypatch.setattr(registry, "find_spec", lambda package: None)
    with pytest.raises(DependencyError, match=r"pip install 'saliedge\[litert\]'"):
        open_engine("litert", bundle)


def test_an_engine_whose_library_is_broken_is_no_traceback(bundle, monkeypatch):
    def broken(name):
        raise ImportError("libstdc++.so.6: version not found")

    monkeypatch.setattr(registry, "import_module", broken)
    with pytest.raises(DependencyError, match="cannot be loaded here"):
        open_engine("onnx", bundle)


def test_the_default_engine_is_one_that_the_bundle_has_a_graph_for(tmp_path, bundle):
    assert default_engine(bundle) == installed_engines()[0]
    tiny_graphs.write_bundle(tmp_path / "t.edge", formats=("tflite",))
    assert ENGINES[default_engine(open_bundle(tmp_path / "t.edge"))].format == "tflite"


def test_no_engine_at_all_is_one_sentence(bundle, monkeypatch):
    monkeypatch.setattr(registry, "find_spec", lambda package: None)
    with pytest.raises(DependencyError, match=r"saliedge\[onnx\]"):
        default_engine(bundle)


@pytest.mark.parametrize("name", HERE)
def test_a_graph_that_the_engine_cannot_load_is_an_artifact_error(tmp_path, name):
    form = ENGINES[name].format
    broken = {(form, "none"): b"\x00\x01not a graph" * 10}
    tiny_graphs.write_bundle(tmp_path / "b.edge", (form,), broken)
    with pytest.raises(ArtifactError, match="cannot load the graph"):
        open_engine(name, open_bundle(tmp_path / "b.edge"))


@pytest.mark.parametrize("name", HERE)
def test_a_graph_without_a_promised_tensor_is_an_artifact_error(tmp_path, name):
    form = ENGINES[name].format
    build = {"onnx": tiny_graphs.onnx_graph, "tflite": tiny_graphs.tflite_graph}[form]
    tiny_graphs.write_bundle(tmp_path / "b.edge", (form,), {(form, "cam"): build("none")})
    with pytest.raises(ArtifactError, match="lacks the tensor"):
        open_engine(name, open_bundle(tmp_path / "b.edge"), "cam")


def test_telemetry_is_off_before_onnx_runtime_is_imported():
    code = (
        "import os; import edge_runtime.engines.onnx;"
        "assert os.environ['ORT_DISABLE_TELEMETRY'] == '1'"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
