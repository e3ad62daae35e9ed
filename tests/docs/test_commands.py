"""Every command on every page is one that there is, and is run by a test or says why it is not."""

from __future__ import annotations

import pytest

from tests.docs.command_lines import check, check_options, invocations
from tests.docs.pages import NEEDS, PAGES, read_page
from tests.docs.stage import THINGS


@pytest.mark.parametrize("name", PAGES)
def test_every_block_of_commands_says_what_a_test_does_with_it(name: str) -> None:
    page = read_page(name)
    unmarked = [block.line for block in page.blocks if block.mark is None]
    assert unmarked == [], "put <!-- run -->, <!-- run: slow --> or <!-- needs: ... --> above it"


@pytest.mark.parametrize("name", PAGES)
def test_every_fence_says_its_language(name: str) -> None:
    assert read_page(name).bare == (), "write ```sh for commands, ```text for what is none"


@pytest.mark.parametrize("name", PAGES)
def test_what_a_page_needs_or_is_given_is_known(name: str) -> None:
    page = read_page(name)
    needs = {
        block.mark.removeprefix("needs: ")
        for block in page.blocks
        if block.mark and block.mark.startswith("needs: ")
    }
    assert needs <= NEEDS
    assert set(page.given) <= set(THINGS)


@pytest.mark.parametrize("name", PAGES)
def test_every_command_is_one_that_there_is(name: str) -> None:
    for block in read_page(name).blocks:
        for line in block.commands:
            for invocation in invocations(line):
                try:
                    check(invocation)
                except Exception as error:
                    pytest.fail(f"{name}:{block.line}: {line}\n{error!r} {error}", pytrace=False)


@pytest.mark.parametrize("name", PAGES)
def test_every_command_within_the_text_has_the_options_it_names(name: str) -> None:
    for code in read_page(name).inline:
        for invocation in invocations(code):
            try:
                check_options(invocation)
            except Exception as error:
                pytest.fail(f"{name}: `{code}`\n{error!r} {error}", pytrace=False)
