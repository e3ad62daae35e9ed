"""What passes between a measuring process and the one that started it."""

from __future__ import annotations

import io
import subprocess
import sys

import numpy as np

from benchmarks.exchange import hand_over, read_frames, read_task, task_bytes
from benchmarks.workload import Workload, synthetic_frames

WORKLOAD = Workload(frames=1, warmup=0, rounds=1, threads=1, frame_width=48, frame_height=32)


def test_a_process_reads_the_task_and_the_frames_that_it_was_given():
    frames = synthetic_frames(WORKLOAD)
    stream = io.BytesIO(task_bytes({"seconds": 3}, frames.tobytes()))
    assert read_task(stream) == {"seconds": 3}
    assert np.array_equal(read_frames(stream, WORKLOAD), frames)


def test_a_process_that_died_before_its_task_raises_nothing_of_its_own():
    with subprocess.Popen([sys.executable, "-c", ""], stdin=subprocess.PIPE) as process:
        process.wait()
        hand_over(process.stdin, b"a task\n")
    assert process.stdin.closed
