"""bundle.json: what is written can be read, and what is wrong is named."""

from __future__ import annotations

import copy
import dataclasses
import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_runtime.bundle.graphs import check_file_name
from edge_runtime.bundle.schema import BundleSpec, ReferenceSpec
from edge_runtime.map_grid import MapGrid


@pytest.fixture(scope="module")
def record(tiny_bundle_path):
    return json.loads((tiny_bundle_path / "bundle.json").read_text())


def test_json_round_trip(record):
    spec = BundleSpec.from_json(record)
    assert json.loads(json.dumps(spec.to_json())) == record
    assert BundleSpec.from_json(spec.to_json()) == spec


def test_a_bundle_of_the_first_schema_has_no_operating_points(record):
    first = {**record, "schema": "1.0"}
    del first["operating_points"]
    assert BundleSpec.from_json(first).operating_points == ()


def test_a_bundle_that_places_no_cells_has_maps_of_even_cells(record):
    record = copy.deepcopy(record)
    cam = next(graph for graph in record["graphs"] if graph["saliency"] == "cam")
    grid = {"first_yx": [31.5, 31.5], "stride_yx": [32.0, 32.0]}
    cam["map_grid"] = grid
    placed = BundleSpec.from_json(record)
    assert [graph.map_grid for graph in placed.graphs].count(MapGrid.from_json(grid)) == 1
    assert placed.to_json() == record
    del cam["map_grid"]
    assert {graph.map_grid for graph in BundleSpec.from_json(record).graphs} == {None}


def test_an_undefined_rate_is_null(record):
    nothing = {"value": None, "low": None, "high": None}
    point = {**record["operating_points"][0], "specificity": nothing}
    spec = BundleSpec.from_json({**record, "operating_points": [point]})
    assert math.isnan(spec.operating_points[0].specificity.value)
    assert spec.to_json()["operating_points"] == [point]


def test_reference_round_trip(tiny_bundle_path):
    path = tiny_bundle_path.with_name("tiny.reference") / "reference.json"
    spec = ReferenceSpec.from_json(json.loads(path.read_text()))
    assert ReferenceSpec.from_json(spec.to_json()) == spec


def test_saliency_modes_of_a_format(record):
    assert BundleSpec.from_json(record).saliency_modes("onnx") == ("none", "gradient", "cam")


@pytest.mark.parametrize("version", ["1.0", "1.1", "1.2", "1.999"])
def test_a_newer_minor_is_accepted_and_its_new_fields_are_ignored(record, version):
    newer = {**record, "schema": version, "field_of_the_future": {"x": 1}}
    assert BundleSpec.from_json(newer) == BundleSpec.from_json(record)


@pytest.mark.parametrize(
    ("version", "remedy"),
    [("2.0", "update saliedge"), ("17.3", "update saliedge"), ("0.9", "export the run again")],
)
def test_another_major_is_refused_with_the_remedy(record, version, remedy):
    with pytest.raises(ValueError, match=remedy):
        BundleSpec.from_json({**record, "schema": version})


def _without(key):
    return lambda record: {name: value for name, value in record.items() if name != key}


def _with(key, value):
    return lambda record: {**record, key: value}


def _point(**changes):
    def change(record):
        return {**record, "operating_points": [{**record["operating_points"][0], **changes}]}

    return change


def _graph(**changes):
    def change(record):
        return {**record, "graphs": [{**record["graphs"][0], **changes}]}

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_without("schema"), "'schema' is missing"),
        (_with("schema", "one"), "not MAJOR.MINOR"),
        (_with("schema", 1.0), "'schema' is not a string"),
        (_without("classes"), "'classes' is missing"),
        (_with("classes", ["red", "red", "blue"]), "not unique"),
        (_with("classes", "red"), "array of strings"),
        (_with("classes", ["red", "blue"]), "one logit for each class"),
        (_with("preprocessing", {"height": 16}), "lacks width"),
        (_with("preprocessing", {"height": 8, "width": 8}), "does not take images"),
        (_with("graphs", []), "no graphs"),
        (_graph(file="../../etc/passwd"), "not allowed"),
        (_graph(file="/etc/passwd"), "not allowed"),
        (_graph(file="absent.onnx"), "not listed"),
        (_graph(format="tensorrt"), "onnx, tflite"),
        (_graph(outputs=[]), "lacks the output"),
        (_graph(inputs=[]), "lacks the input 'image'"),
        (_with("files", {}), "not listed"),
        (_with("files", {"../x": {"sha256": "0" * 64, "bytes": 1}}), "not allowed"),
        (_with("files", {"x": {"sha256": "0", "bytes": 1}}), "sha256"),
        (_with("files", {"x": 3}), "not an object"),
        (_with("temperature", 0), "temperature"),
        (_with("temperature", True), "finite number"),
        (_with("temperature", 10**400), "finite number"),
        (_with("includes_images", "no"), "true or false"),
        (_point(threshold=1.5), "threshold of 'green'"),
        (_point(wanted_sensitivity=0), "wanted sensitivity of 'green'"),
        (_point(positives=-1), "below 0"),
        (_point(sensitivity={"value": "high"}), "finite number"),
        (_point(**{"class": "mauve"}), "of no class"),
    ],
)
def test_a_wrong_field_is_named(record, change, message):
    with pytest.raises(ValueError, match=message):
        BundleSpec.from_json(change(record))


def test_two_graphs_of_one_kind_are_refused(record):
    doubled = {**record, "graphs": [*record["graphs"], record["graphs"][0]]}
    with pytest.raises(ValueError, match="two graphs"):
        BundleSpec.from_json(doubled)


def test_a_spec_is_frozen(record):
    spec = BundleSpec.from_json(record)
    with pytest.raises(dataclasses.FrozenInstanceError):
        spec.temperature = 2.0


@pytest.mark.parametrize("name", ["int8.onnx", "golden-images.npy", "report/index.html", "a/b/c_1"])
def test_plain_names_are_allowed(name):
    assert check_file_name(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        "a/..",
        "../a",
        "/a",
        "a//b",
        "a/",
        ".hidden",
        "a\\b",
        "C:x",
        "a\0",
        "a b",
        "-x",
    ],
)
def test_names_that_lead_elsewhere_are_not(name):
    with pytest.raises(ValueError, match="not allowed"):
        check_file_name(name)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)


@settings(max_examples=200)
@given(data=st.data())
def test_any_damage_to_a_record_is_a_clear_error_or_harmless(record, data):
    """Replace one value anywhere in the record by any JSON: only ValueError may come out."""
    damaged = json.loads(json.dumps(record))
    place = damaged
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        key = data.draw(st.sampled_from(keys))
        inner = place[key]
        if not isinstance(inner, dict | list) or not inner or data.draw(st.booleans()):
            break
        place = inner
    place[key] = data.draw(_JSON)
    try:
        BundleSpec.from_json(damaged)
    except ValueError as error:
        assert str(error)
