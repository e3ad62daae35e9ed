"""Options of edge-infer from a TOML file."""

from __future__ import annotations

import json

import click
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge_runtime.errors import UsageError
from edge_runtime.infer.cli import infer
from edge_runtime.infer.config_file import read_options


@pytest.fixture
def config(tmp_path):
    """Function that writes a configuration and returns its path."""

    def write(text):
        path = tmp_path / "edge-infer.toml"
        path.write_text(text)
        return path

    return write


def _read(path):
    return read_options(click.Context(infer), path)


def test_a_run_takes_its_options_from_the_file(edge_infer, config, tiny_bundle_path, tmp_path):
    path = config(
        f"""
        bundle = "{tiny_bundle_path}"
        source = "synthetic:?width=64&height=48"
        engine = "onnx"
        max-frames = 4
        jsonl = "{tmp_path / "out.jsonl"}"
        """
    )
    assert edge_infer("--config", path).code == 0
    assert len((tmp_path / "out.jsonl").read_text().splitlines()) == 4


def test_a_flag_comes_before_the_file(edge_infer, config, tiny_bundle_path):
    path = config('source = "synthetic:?width=64&height=48"\nmax-frames = 4\njsonl = "-"')
    end = edge_infer("--config", path, "--bundle", tiny_bundle_path, "--max-frames", 2)
    assert len([json.loads(line) for line in end.out.splitlines()]) == 2


def test_a_source_on_the_command_line_takes_the_place_of_the_files_camera(
    edge_infer, config, tiny_bundle_path, photos
):
    path = config("camera = 7")
    end = edge_infer("--config", path, "--bundle", tiny_bundle_path, "--source", photos)
    assert end.code == 0


def test_every_kind_of_option_can_stand_in_a_file(config):
    text = """
        camera = 0
        camera-size = "1280x720"
        stall-seconds = 2
        skip-bad = true
        public-key = ["a.pub", "b.pub"]
    """
    assert _read(config(text)) == {
        "camera": "0",
        "camera_size": "1280x720",
        "stall_seconds": "2",
        "skip_bad": True,
        "public_key": ["a.pub", "b.pub"],
    }


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("max-frame = 3", "there is no option 'max-frame'; did you mean 'max-frames'?"),
        ("max_frames = 3", "there is no option 'max_frames'; did you mean 'max-frames'?"),
        ("help = true", "there is no option 'help'"),
        ("config = 'other.toml'", "there is no option 'config'"),
        ("[camera]\nsize = 1", "camera is {'size': 1}; it must be a text"),
        ("max-frames = '3'", "max-frames is '3'; it must be a whole number"),
        ("max-frames = true", "max-frames is True; it must be a whole number"),
        ("max-frames = 0", "max-frames: 0 is not in the range"),
        ("stall-seconds = nan", "stall-seconds is nan; it must be a number"),
        ("skip-bad = 1", "skip-bad is 1; it must be true or false"),
        ("engine = 'abacus'", "engine: 'abacus' is not one of 'onnx'"),
        ("camera-size = 'large'", "camera-size: 'large' is no size"),
        ("engine = ['onnx']", "engine is ['onnx']; it must be a text"),
        ("camera = ", "is not TOML"),
    ],
)
def test_what_is_wrong_is_named_with_its_entry(config, text, sentence):
    path = config(text)
    with pytest.raises(UsageError) as caught:
        _read(path)
    assert str(caught.value).startswith(str(path))
    assert sentence in str(caught.value)


def test_a_file_that_is_not_there_is_a_usage_error(edge_infer, tmp_path):
    end = edge_infer("--config", tmp_path / "none.toml")
    assert end.code == 2
    assert "cannot be read (No such file or directory)" in end.err


NAMES = st.sampled_from([option.opts[-1].removeprefix("--") for option in infer.params])
VALUES = st.one_of(
    st.booleans(), st.integers(), st.floats(), st.text(max_size=8), st.lists(st.integers())
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=NAMES, value=VALUES)
def test_any_value_of_any_option_is_taken_or_named(config, name, value):
    if isinstance(value, bool):
        written = str(value).lower()
    elif isinstance(value, str):
        written = json.dumps(value).replace("\x7f", "\\u007f")
    else:
        written = str(value)
    try:
        assert set(_read(config(f"{name} = {written}"))) == {name.replace("-", "_")}
    except UsageError as error:
        assert name in str(error) or "TOML" in str(error)
