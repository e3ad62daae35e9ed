"""The JSON Schema says what the runtime reads, but for rules between fields."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import edge_runtime.bundle
from edge_runtime.bundle.json_schema import bundle_json_schema, schema_text
from edge_runtime.bundle.schema import SCHEMA, BundleSpec
from edge_runtime.preprocessing import Preprocessing
from edge_runtime.region_of_interest import RegionOfInterest

VALIDATOR = jsonschema.Draft202012Validator(bundle_json_schema())
# What the schema cannot say: rules between fields, as docs/reference/bundle.md lists them, and two
# that only the runtime can judge (a line feed behind a name, whole numbers that are written 2.0).
BETWEEN_FIELDS = re.compile(
    "not listed in 'files'|does not take|one logit for each class|two graphs|lacks the (in|out)put|"
    "of no class|false alarm rate|threshold of the feature distance|preprocessing kernel|"
    "must rise from|must not be listed|not a whole number|"
    r"not an array of whole numbers|must be a whole number|not allowed|hexadecimal|not MAJOR"
)


@pytest.fixture(scope="module")
def record(tiny_bundle_path):
    """A record with everything that a bundle may have."""
    full = json.loads((tiny_bundle_path / "bundle.json").read_text())
    full["features"] |= {"threshold": 9.5, "false_alarm_rate": 0.01}
    region = RegionOfInterest(0.1, 0.0, 0.9, 1.0, "octagon")
    full["preprocessing"] = Preprocessing(16, 16, "crop", region).to_json()
    cam = next(graph for graph in full["graphs"] if graph["saliency"] == "cam")
    cam["map_grid"] = {"first_yx": [1.5, 1.5], "stride_yx": [4.0, 4.0]}
    assert BundleSpec.from_json(full).to_json() == full
    return full


def _is_valid(record):
    return VALIDATOR.is_valid(record)


def test_it_is_a_schema_and_the_file_in_the_package_holds_it():
    jsonschema.Draft202012Validator.check_schema(bundle_json_schema())
    path = Path(edge_runtime.bundle.__file__).with_name("bundle.schema.json")
    assert path.read_text() == schema_text(), "python -m edge_runtime.bundle.json_schema > it"


def test_its_title_is_the_version_that_is_written():
    assert bundle_json_schema()["title"] == f"bundle.json {SCHEMA}"


def test_every_field_of_the_record_is_described():
    schema = bundle_json_schema()
    assert all("description" in field for field in schema["properties"].values())
    graph = schema["properties"]["graphs"]["items"]
    assert "Where the cells" in graph["properties"]["map_grid"]["description"]


def test_bundles_of_the_tests_and_of_an_export_are_valid(record, tiny_bundle):
    VALIDATOR.validate(record)
    VALIDATOR.validate(json.loads((tiny_bundle / "bundle.json").read_text()))
    BundleSpec.from_json(record)


@pytest.mark.parametrize("version", ["1.0", "1.4", "1.99"])
def test_any_minor_version_is_valid(record, version):
    assert _is_valid({**record, "schema": version, "novelty": [1]})


def _at(*path):
    """Function that puts a value at a place of a record, or removes it."""

    def change(record, value):
        copy = json.loads(json.dumps(record))
        place = copy
        for key in path[:-1]:
            place = place[key]
        if value is None:
            del place[path[-1]]
        else:
            place[path[-1]] = value
        return copy

    return change


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (_at("schema"), "2.0"),
        (_at("schema"), None),
        (_at("classes"), ["red", "red", "blue"]),
        (_at("graphs"), []),
        (_at("graphs", 0, "file"), "../../etc/passwd"),
        (_at("graphs", 0, "format"), "tensorrt"),
        (_at("graphs", 0, "inputs", 0, "shape"), [1, 0, 16, 3]),
        (_at("files", "int8.onnx", "sha256"), "ABC"),
        (_at("files", "int8.onnx", "bytes"), -1),
        (_at("files", "../x"), {"sha256": "0" * 64, "bytes": 1}),
        (_at("temperature"), 0),
        (_at("temperature"), True),
        (_at("golden", "saliency_files"), {"occlusion": "x.npy"}),
        (_at("quantization", 0, "bits"), 9),
        (_at("gates", 0, "comparison"), "=="),
        (_at("operating_points", 0, "threshold"), 1.5),
        (_at("preprocessing", "height"), 0),
        (_at("includes_images"), "no"),
        (_at("features", "shrinkage"), 2),
    ],
)
def test_what_is_wrong_is_invalid_and_refused(record, place, value):
    changed = place(record, value)
    assert not _is_valid(changed)
    with pytest.raises(ValueError, match=r"\w"):
        BundleSpec.from_json(changed)


def _finite(value):
    """JSON proper: NaN and infinity are Python's own."""
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, dict):
        return all(map(_finite, value.values()))
    return all(map(_finite, value)) if isinstance(value, list) else True


_SCALAR = (
    st.none()
    | st.booleans()
    | st.integers(-3, 300)
    | st.floats(-2, 2)
    | st.sampled_from(["", "x", "onnx", "cam", "red", "a.npy", "../x", "1.4", "2.0", "0" * 64])
)
_VALUE = st.recursive(
    _SCALAR,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["value", "a.npy", "sha256", "name"]), inner, max_size=3)
    ),
    max_leaves=4,
)


@settings(max_examples=150)
@given(data=st.data())
def test_reader_and_schema_agree_on_any_change_of_one_value(record, data):
    changed = json.loads(json.dumps(record))
    place = changed
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        key = data.draw(st.sampled_from(keys))
        if not isinstance(place[key], dict | list) or not place[key] or data.draw(st.booleans()):
            break
        place = place[key]
    if isinstance(place, dict) and data.draw(st.booleans()):
        del place[key]
    else:
        place[key] = data.draw(_VALUE)
    if not _finite(changed):
        return
    try:
        BundleSpec.from_json(changed)
    except ValueError as error:
        assert not _is_valid(changed) or BETWEEN_FIELDS.search(str(error)), str(error)
    else:
        VALIDATOR.validate(changed)
