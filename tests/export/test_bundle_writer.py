from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from edge_runtime import synthetic
from edge_runtime.bundle import open_bundle, open_reference, reference_path
from edge_runtime.classifier import Classifier
from edge_runtime.commands.verify import verify
from edge_runtime.engines import open_engine
from edge_runtime.sources.base import CaptureTime, Frame
from export.bundle_writer import gates_path
from tests.networks import as_batch
from train.attribution import METHODS, places_of


@pytest.fixture(scope="module")
def bundle(tiny_bundle):
    return open_bundle(tiny_bundle)


def test_the_bundle_opens_and_all_files_are_as_listed(bundle):
    assert bundle.verify_files().passed
    assert {graph.file for graph in bundle.spec.graphs} == {
        f"int8{mode}.{suffix}"
        for mode in ("", "-gradient", "-gradient-early", "-cam")
        for suffix in ("onnx", "tflite")
    }


def test_verify_passes_on_it(tiny_bundle):
    verify.main([str(tiny_bundle)], standalone_mode=False)


@pytest.mark.parametrize("mode", ["cam", "gradient-early"])
@pytest.mark.parametrize("engine", ["onnx", "litert"])
def test_cells_of_a_device_lie_where_those_of_torch_do(bundle, trained, calibration, engine, mode):
    places = places_of(trained.network, mode)
    size = trained.network.image_shape
    with open_engine(engine, bundle, saliency=mode) as opened:
        found = opened.run(calibration[:1])
        classifier = Classifier(bundle, opened)
        frame = Frame(calibration[0], "picture", 0, CaptureTime.now(), "picture")
        prediction = classifier.classify(frame)
    assert opened.graph.map_grid == places.grid
    index = torch.tensor([found.class_index_used])
    in_torch = METHODS[mode](trained.network, as_batch(calibration[:1]), index).numpy()
    large = places.grid.enlarged(found.saliency, size)
    expected = places.grid.enlarged(in_torch[0], size)
    assert np.corrcoef(large.ravel(), expected.ravel())[0, 1] > 0.97
    # The frame has the network's size here, so that its pixels are the network's.
    mapping = prediction.mapping
    stride = places.grid.stride_yx
    assert (mapping.scale_y, mapping.scale_x) == pytest.approx(stride)
    assert mapping.offset_y + 0.5 * mapping.scale_y == pytest.approx(places.grid.first_yx[0])
    assert mapping.offset_x + 0.5 * mapping.scale_x == pytest.approx(places.grid.first_yx[1])


def test_it_says_how_every_site_is_quantised(bundle, trained):
    network = trained.network
    moved = bundle.spec.provenance["export"]["moved_ranges"]
    assert {site.site for site in bundle.spec.quantization} == set(network.sites) >= set(moved)
    for site in bundle.spec.quantization:
        learned = float(network.site_of(site.site).alpha.detach())
        assert site.alpha == float(np.float32(learned * (1 + moved.get(site.site, 0.0))))
        assert (site.alpha != learned) == (site.site in moved)
        levels = 2 ** (site.bits - 1) - 1 if site.signed else 2**site.bits - 1
        assert np.float32(site.scale) == np.float32(site.alpha / levels)


def test_feature_statistics_are_those_of_the_training_images(bundle):
    record = bundle.spec.features
    assert record is not None and record.count > 64
    mean = bundle.read_array(record.mean_file)
    whitening = bundle.read_array(record.whitening_file)
    assert mean.shape == (record.size,)
    assert whitening.shape == (record.size * (record.size + 1) // 2,)
    assert whitening.dtype == np.float16
    assert 2**14 <= np.abs(whitening).max() < 2**15 + 16


def test_golden_images_are_synthetic_and_their_maps_are_alive(bundle):
    golden = bundle.spec.golden
    images = bundle.read_array(golden.images_file)
    assert images.shape == (2 * len(synthetic.CLASSES), 48, 48, 3)
    for name in golden.saliency_files.values():
        assert (np.ptp(bundle.read_array(name), axis=(1, 2)) > 0).all()


def test_the_record_names_no_path_and_no_image(tiny_bundle, tiny_run):
    texts = [path.read_bytes() for path in tiny_bundle.iterdir()]
    texts.append(gates_path(tiny_bundle).read_bytes())
    keys = [line.split(",")[0] for line in (tiny_run / "split.csv").read_text().splitlines()[1:]]
    for secret in (str(tiny_run), str(tiny_run.parent), *keys, "synthetic/"):
        assert not any(secret.encode() in text for text in texts), secret


def test_provenance_is_hashes_counts_and_versions(bundle):
    provenance = bundle.spec.provenance
    assert len(provenance["checkpoint_sha256"]) == len(provenance["split"]["sha256"]) == 64
    assert provenance["export"]["calibration_images"] == 64
    assert {"torch", "onnx", "saliedge"} <= provenance["tools"].keys()


def test_the_report_lies_in_the_bundle_and_beside_it(bundle, tiny_bundle):
    inside = bundle.read_file("gates.json")
    assert inside == gates_path(tiny_bundle).read_bytes()
    record = json.loads(inside)
    assert record["passed"] and record["left_out"] == {}
    assert len(record["gates"]) == len(bundle.spec.gates)


@pytest.mark.parametrize("engine", ["onnx", "litert"])
def test_the_float_reference_belongs_to_the_bundle(bundle, tiny_bundle, engine):
    reference = open_reference(reference_path(tiny_bundle))
    assert reference.spec.bundle_sha256 == bundle.sha256
    image = bundle.read_array("golden-images.npy")[:1]
    with (
        open_engine(engine, reference, precision="float32") as in_float,
        open_engine(engine, bundle) as in_integers,
    ):
        expected = in_float.run(image).logits
        found = in_integers.run(image).logits
    assert np.abs(found - expected).max() < 0.25 * max(1.0, float(np.abs(expected).max()))
