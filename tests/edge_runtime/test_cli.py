"""The command table: lazy, complete, and clear when an extra is missing."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from edge_runtime import __version__, cli
from edge_runtime.errors import EXIT_CODES, DependencyError


def test_help_lists_every_command_with_examples_and_exit_codes():
    result = CliRunner().invoke(cli.saliedge, ["--help"])
    assert result.exit_code == 0
    for name, entry in cli.COMMANDS.items():
        assert name in result.output
        assert entry.help in result.output
    assert "Examples:" in result.output
    assert all(meaning in result.output for meaning in EXIT_CODES.values())


def test_version():
    result = CliRunner().invoke(cli.saliedge, ["--version"])
    assert __version__ in result.output


def test_an_unknown_command_is_a_usage_error():
    assert CliRunner().invoke(cli.saliedge, ["explode"]).exit_code == 2


def test_a_mistyped_command_is_answered_with_the_one_that_was_meant():
    result = CliRunner().invoke(cli.saliedge, ["trian"])
    assert result.exit_code == 2
    assert "Did you mean 'train'?" in result.output


def test_a_missing_extra_is_one_sentence_that_names_it(monkeypatch):
    def missing(name):
        raise ModuleNotFoundError("No module named 'torch'", name="torch")

    monkeypatch.setattr(cli, "import_module", missing)
    result = CliRunner().invoke(cli.saliedge, ["train"])
    assert isinstance(result.exception, DependencyError)
    assert "`saliedge train` needs the train extra" in str(result.exception)
    assert "pip install 'saliedge[train]'" in str(result.exception)


def test_a_missing_module_of_our_own_is_a_bug_and_no_missing_extra(monkeypatch):
    def missing(name):
        raise ModuleNotFoundError("No module named 'train.typo'", name="train.typo")

    monkeypatch.setattr(cli, "import_module", missing)
    with pytest.raises(ModuleNotFoundError):
        CliRunner().invoke(cli.saliedge, ["train"], catch_exceptions=False)


def test_every_command_of_the_table_can_be_loaded():
    for name in cli.COMMANDS:
        result = CliRunner().invoke(cli.saliedge, [name, "--help"])
        assert result.exit_code == 0, name


@pytest.mark.parametrize(
    "group", ["", "data", "keys", "models", "reader-study", "service", "bench"]
)
def test_no_list_of_commands_cuts_a_sentence_off(group):
    arguments = [group] if group else []
    shown = CliRunner().invoke(cli.saliedge, [*arguments, "--help"], terminal_width=80).output
    lines = shown.partition("Commands:")[2].splitlines()
    assert lines
    assert [line for line in lines if line.endswith("...")] == []
