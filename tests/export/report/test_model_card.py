"""The model card: a block that machines read, and what a person must know."""

from __future__ import annotations

import dataclasses
import json

import pytest
import yaml

from edge_runtime.bundle import open_bundle
from export.bundle_writer import gates_path
from export.report.model_card import model_card


@pytest.fixture(scope="module")
def spec(tiny_bundle):
    return open_bundle(tiny_bundle).spec


@pytest.fixture
def write(trained, tiny_bundle, spec):
    """Function that writes the card of the tiny run, with changes."""
    record = json.loads(gates_path(tiny_bundle).read_text())

    def call(includes_images=False, **changes):
        return model_card(
            dataclasses.replace(trained, **changes),
            record,
            spec.provenance,
            intended_use=spec.intended_use,
            includes_images=includes_images,
        )

    return call


def _block(card):
    _, block, _ = card.split("---\n", 2)
    return yaml.safe_load(block)


def test_it_is_a_listed_file_of_the_bundle(tiny_bundle, write):
    assert (tiny_bundle / "README.md").read_text() == write()
    assert "README.md" in open_bundle(tiny_bundle).spec.files


def test_it_has_the_trust_card_of_the_maps(write, spec):
    card = write().partition("## Trust card of the maps")[2].partition("## ")[0]
    assert card.count("\n| gradient |") == 2
    assert str(spec.saliency_trust[0].with_float) in card


def test_the_block_has_the_shape_that_hugging_face_reads(write, trained):
    block = _block(write())
    assert block["pipeline_tag"] == "image-classification"
    (model,) = block["model-index"]
    (result,) = model["results"]
    assert set(result) == {"task", "dataset", "metrics"}
    assert {"type", "name"} <= set(result["dataset"])
    accuracy = {metric["type"]: metric["value"] for metric in result["metrics"]}["accuracy"]
    assert accuracy == pytest.approx(trained.validation["accuracy"], rel=1e-5)


def test_a_run_without_scores_has_no_results(write):
    card = write(validation=None, operating_points=())
    assert "model-index" not in _block(card)
    assert "none were recorded" in card


@pytest.mark.parametrize(
    "part",
    ["## Data", "images: train 96", "of each class: inflamed 40", "synthetic", "## Limits",
     "gates hold", "no diagnosis", "holds none of them", "called from probability"],
)  # fmt: skip
def test_what_a_person_must_know_is_there(write, part):
    assert part in write()


def test_images_inside_are_told(write):
    assert "shows some of them (report.html)" in write(includes_images=True)


def test_a_class_name_is_text_and_no_markup(write, trained):
    names = ("<script>x</script>", "[a](http://example.com)", "c|d")
    card = write(classes=names)
    assert r"\<script\>x" in card
    assert r"\[a\](http://example.com)" in card
