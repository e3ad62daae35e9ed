"""Running a command of the package inside the test's own process."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NoReturn

import pytest


@dataclass(frozen=True)
class Ending:
    """How a command ended."""

    code: int
    out: str
    err: str


def runner(
    main: Callable[[Sequence[str]], NoReturn], capsys: pytest.CaptureFixture[str]
) -> Callable[..., Ending]:
    """Function that runs a command as its script does: run("--bundle", path) -> Ending."""

    def run(*arguments: object) -> Ending:
        with pytest.raises(SystemExit) as caught:
            main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        assert isinstance(caught.value.code, int)
        return Ending(caught.value.code, captured.out, captured.err)

    return run
