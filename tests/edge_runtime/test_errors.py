"""Every command ends with one line and a code of the table."""

from __future__ import annotations

import errno
import os
import signal

import click
import pytest

from edge_runtime import errors
from edge_runtime.errors import EXIT_CODES, SaliedgeError, run_command


def _subclasses(cls):
    for child in cls.__subclasses__():
        yield child
        yield from _subclasses(child)


def _ending(action, capsys):
    @click.command()
    def command():
        action()

    with pytest.raises(SystemExit) as caught:
        run_command(command, [], name="test")
    return caught.value.code, capsys.readouterr().err


@pytest.mark.parametrize("kind", list(_subclasses(SaliedgeError)), ids=lambda kind: kind.__name__)
def test_each_error_ends_with_its_own_code(kind, capsys):
    def action():
        raise kind("The file x is wrong; replace it.")

    code, text = _ending(action, capsys)
    assert code == kind.exit_code
    assert code in EXIT_CODES
    assert text == "Error: The file x is wrong; replace it.\n"


def test_no_two_errors_share_a_code():
    codes = [kind.exit_code for kind in _subclasses(SaliedgeError)]
    assert len(codes) == len(set(codes))


@pytest.mark.parametrize(
    ("number", "phrase"),
    [
        (errno.ENOSPC, "disk is full"),
        (errno.EROFS, "read-only"),
        (errno.EACCES, "permission denied"),
    ],
)
def test_a_refused_write_anywhere_is_an_output_error(number, phrase, capsys):
    def action():
        raise OSError(number, os.strerror(number), "/some/file")

    code, text = _ending(action, capsys)
    assert code == 7
    assert "/some/file" in text
    assert phrase in text


def test_a_missing_package_names_its_extra(capsys):
    def action():
        raise ModuleNotFoundError("No module named 'torch'", name="torch.nn")

    code, text = _ending(action, capsys)
    assert code == 5
    assert "pip install 'saliedge[train]'" in text


def test_a_bug_keeps_its_traceback():
    @click.command()
    def command():
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run_command(command, [])


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_with_its_code(number, code, capsys, request):
    if number == signal.SIGINT:  # which Python leaves alone where a shell had it ignored
        ours = signal.getsignal(number)
        signal.signal(number, signal.default_int_handler)
        request.addfinalizer(lambda: signal.signal(number, ours))
    ended, text = _ending(lambda: signal.raise_signal(number), capsys)
    assert ended == code
    assert "Traceback" not in text


def test_success_is_zero(capsys):
    assert _ending(lambda: None, capsys) == (0, "")


def test_a_wrong_option_is_code_two(capsys):
    @click.command()
    def command():
        pass

    with pytest.raises(SystemExit) as caught:
        run_command(command, ["--nonsense"], name="test")
    assert caught.value.code == 2


def test_an_option_of_the_command_above_is_told_its_place(capsys):
    @click.group()
    @click.option("--state-dir")
    def store(state_dir):
        pass

    @store.command("list")
    def list_all():
        pass

    with pytest.raises(SystemExit):
        run_command(store, ["list", "--state-dir", "here"], name="store")
    assert "before 'list': store --state-dir ... list" in capsys.readouterr().err


def test_the_exit_code_table_lists_every_code():
    text = errors.exit_code_table()
    assert all(f"{code}  " in text for code in EXIT_CODES)
