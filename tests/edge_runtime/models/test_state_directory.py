"""Where the state lies, by precedence."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_runtime.models import state_directory

EVERYTHING = {
    "SALIEDGE_STATE": "/variable",
    "STATE_DIRECTORY": "/service:/other",
    "XDG_STATE_HOME": "/xdg",
}


@pytest.mark.parametrize(
    ("option", "lacking", "user_id", "expected"),
    [
        ("/option", (), 0, "/option"),
        (None, (), 0, "/variable"),
        (None, ("SALIEDGE_STATE",), 0, "/service"),
        (None, ("SALIEDGE_STATE", "STATE_DIRECTORY"), 0, "/var/lib/saliedge"),
        (None, ("SALIEDGE_STATE", "STATE_DIRECTORY"), 1000, "/xdg/saliedge"),
    ],
)
def test_the_first_that_names_it_decides(option, lacking, user_id, expected):
    environment = {name: value for name, value in EVERYTHING.items() if name not in lacking}
    assert state_directory(option, environment, user_id) == Path(expected)


@pytest.mark.parametrize("home", ["", "relative"])
def test_without_a_usable_variable_it_is_below_the_home_directory(home):
    found = state_directory(None, {"XDG_STATE_HOME": home}, user_id=1000)
    assert found == Path.home() / ".local" / "state" / "saliedge"
