"""Figures of a few validation images: known maps, a planted overlay, no trace in the network."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from tests.train.conftest import tiny_config
from train.guidance import Guidance
from train.preparation import PreparedData, prepare
from train.quantization import load_network
from train.run.progress import quiet_reporter
from train.watch.images import WatchImages, moved, steadiness


def prepared(source: str) -> PreparedData:
    with quiet_reporter() as reporter:
        return prepare(tiny_config(source), reporter)


@pytest.fixture(scope="module")
def data() -> PreparedData:
    return prepared("synthetic:?count=60&size=32")


def watch_images(data: PreparedData) -> WatchImages:
    return WatchImages(data, seed=0, device=torch.device("cpu"))


def test_a_map_that_moves_with_the_picture_is_steady() -> None:
    pictures = np.random.default_rng(0).integers(0, 256, (2, 20, 24, 3), dtype=np.uint8)
    maps = pictures[..., 0].astype(np.float64)
    assert steadiness(maps, moved(pictures)[..., 0].astype(np.float64)) == pytest.approx(1)
    assert steadiness(7 * maps, moved(pictures)[..., 0].astype(np.float64)) == pytest.approx(1)


def test_noise_and_a_pattern_that_stays_are_not() -> None:
    noise = np.random.default_rng(0).exponential(size=(2, 4, 40, 40))
    assert steadiness(noise[0], noise[1]) == pytest.approx(0, abs=0.05)
    stripes = np.tile([1.0, 3.0], (1, 40, 20))
    assert steadiness(stripes, stripes) == pytest.approx(-1)


def test_flat_maps_have_none() -> None:
    flat = np.ones((1, 20, 20))
    ramp = np.arange(400.0).reshape(1, 20, 20)
    assert np.isnan(steadiness(flat, flat))
    assert steadiness(np.concatenate([flat, ramp]), np.concatenate([flat, ramp])) == pytest.approx(
        1
    )


def test_measuring_leaves_no_trace(data: PreparedData, tiny_run: Path) -> None:
    network, _ = load_network(tiny_run / "best.safetensors")
    before = {name: value.clone() for name, value in network.state_dict().items()}
    images = watch_images(data)
    found = images.measure(network, Guidance())
    assert images.measure(network, Guidance()) == found
    assert all(parameter.grad is None for parameter in network.parameters())
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())


def test_an_image_that_is_not_masked_keeps_its_answer(data: PreparedData, tiny_run: Path) -> None:
    network, _ = load_network(tiny_run / "best.safetensors")
    found = watch_images(data).measure(network, Guidance(k=0.0))
    assert (found.agreement, found.divergence) == (1.0, 0.0)


def test_the_black_surround_is_outside(data: PreparedData, tiny_run: Path) -> None:
    network, _ = load_network(tiny_run / "best.safetensors")
    images = watch_images(data)
    dark = data.train.images.max(axis=3) < 24
    assert images.outside_area == pytest.approx((dark.mean(axis=0) > 0.9).mean(), abs=0.01)
    assert 0 < images.outside_area < 1
    outside = images.measure(network, Guidance()).outside
    assert outside is not None
    assert 0 < outside < 1


def test_a_planted_shortcut_is_an_overlay(tiny_run: Path) -> None:
    network, _ = load_network(tiny_run / "best.safetensors")
    plain = watch_images(prepared("synthetic:?count=150&size=32"))
    assert plain.overlay_area == 0
    assert plain.measure(network, Guidance()).overlay is None
    marked = watch_images(prepared("synthetic:?count=150&size=32&shortcut=polyp"))
    assert 0 < marked.overlay_area < 0.5
    share = marked.measure(network, Guidance()).overlay
    assert share is not None
    assert 0 <= share < 1
