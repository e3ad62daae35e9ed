"""Messages: plain on a terminal, with their priority where the journal reads them."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

SAY = "from edge_runtime.messages import say; say('camera lost:\\n unplugged', 'warning')"


def _said(journal_stream):
    read_end, write_end = os.pipe()
    status = os.fstat(write_end)
    stream = journal_stream.format(device=status.st_dev, inode=status.st_ino)
    environment = {**os.environ, "JOURNAL_STREAM": stream}
    subprocess.run([sys.executable, "-c", SAY], stderr=write_end, env=environment, check=True)
    os.close(write_end)
    with os.fdopen(read_end) as lines:
        return lines.read()


@pytest.mark.parametrize("journal_stream", ["", "1:2", "nonsense"])
def test_a_message_is_one_plain_line(journal_stream):
    assert _said(journal_stream) == "camera lost: unplugged\n"


def test_the_journal_gets_the_priority():
    assert _said("{device}:{inode}") == "<4>camera lost: unplugged\n"
