"""A missing part is a skip that names it, and a failure where everything is required."""

from __future__ import annotations

import pytest

from tests.requirements import real_image_folder, require, require_patience


def test_what_is_there_lets_the_test_go_on() -> None:
    require("python", True, "never needed")


def test_what_is_missing_skips_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SALIEDGE_REQUIRE", raising=False)
    with pytest.raises(pytest.skip.Exception, match="needs frobnicator: apt-get install frob"):
        require("frobnicator", False, "apt-get install frob")


def test_what_is_missing_fails_where_everything_is_required(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SALIEDGE_REQUIRE", "all")
    with pytest.raises(pytest.fail.Exception, match="needs frobnicator"):
        require("frobnicator", False, "apt-get install frob")


def test_real_images_are_skipped_only_if_nobody_named_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    monkeypatch.delenv("SALIEDGE_DATA", raising=False)
    with pytest.raises(pytest.skip.Exception, match="set SALIEDGE_DATA"):
        real_image_folder()
    monkeypatch.setenv("SALIEDGE_DATA", str(tmp_path))
    with pytest.raises(pytest.fail.Exception, match="holds no hyperkvasir5"):
        real_image_folder()


def test_what_takes_long_waits_for_who_has_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SALIEDGE_SLOW", raising=False)
    with pytest.raises(pytest.skip.Exception, match="takes a minute: make test-all"):
        require_patience("a minute")
    monkeypatch.setenv("SALIEDGE_SLOW", "1")
    require_patience("a minute")
