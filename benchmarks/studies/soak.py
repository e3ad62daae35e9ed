"""Leave ``edge-infer`` running with a page that viewers come to and leave, and watch its memory.

    python -m benchmarks.studies.soak --bundle demo/endoscopy.edge --frames 200000

Fails (exit code 8) if, after a warm-up of a third of the frames, resident memory grows by more than
1 MB per 100,000 frames, descriptors or threads grow, or SIGTERM does not end the process in order.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np

from benchmarks.absent import Absent
from benchmarks.sensors.process_memory import resident_memory
from edge_runtime.command_settings import SETTINGS
from edge_runtime.errors import GateError, run_command
from edge_runtime.files import atomic_write_text

__all__ = ["Sample", "Verdict", "judge", "soak"]

_MB = 1e6
_MOST_MB = 1.0
_PER_FRAMES = 100_000
_WARM_UP_SHARE = 1 / 3
_FEWEST_SAMPLES = 6
# Longer than the page takes to see that nobody looks any more, so that both states are lived in.
_PAUSE_SECONDS = 4.0
_END_SECONDS = 30.0


@dataclass(frozen=True)
class Sample:
    """The process at one moment.

    Attributes:
        frames: Frames that it has classified.
        resident: Resident memory, bytes.
        descriptors: Open descriptors.
        threads: Threads.
    """

    frames: int
    resident: int
    descriptors: int
    threads: int


@dataclass(frozen=True)
class Verdict:
    """What the samples after the warm-up say.

    Attributes:
        slope_mb: Growth of resident memory, MB per 100,000 frames (least squares).
        error_mb: Its standard error.
        descriptors: First and last count of descriptors.
        threads: First and last count of threads.
        frames: Frames between the first sample that counts and the last.
    """

    slope_mb: float
    error_mb: float
    descriptors: tuple[int, int]
    threads: tuple[int, int]
    frames: int

    @property
    def failures(self) -> list[str]:
        """What is not as it must be, in words."""
        found = []
        if self.slope_mb > _MOST_MB:
            found.append(f"memory grows by {self.slope_mb:.2f} MB per {_PER_FRAMES} frames")
        for name, (first, last) in (("descriptors", self.descriptors), ("threads", self.threads)):
            if last > first:
                found.append(f"{name} grow from {first} to {last}")
        return found


def judge(samples: list[Sample]) -> Verdict:
    """Judge the samples of a run, which are in order.

    Counts of descriptors and threads are the least of each half: what a visit opened may linger.

    Raises:
        GateError: There are too few samples.
    """
    begin = samples[-1].frames * _WARM_UP_SHARE if samples else 0
    kept = [sample for sample in samples if sample.frames >= begin]
    if len(kept) < _FEWEST_SAMPLES:
        raise GateError(f"{len(kept)} samples are too few to judge by; run more frames.")
    frames = np.array([sample.frames for sample in kept], float)
    memory = np.array([sample.resident for sample in kept], float) / _MB
    (slope, _), covariance = np.polyfit(frames, memory, 1, cov=True)
    half = len(kept) // 2
    least = {
        name: tuple(
            min(getattr(sample, name) for sample in part) for part in (kept[:half], kept[half:])
        )
        for name in ("descriptors", "threads")
    }
    return Verdict(
        slope_mb=float(slope * _PER_FRAMES),
        error_mb=float(np.sqrt(covariance[0, 0]) * _PER_FRAMES),
        descriptors=least["descriptors"],
        threads=least["threads"],
        frames=int(frames[-1] - frames[0]),
    )


@click.command(context_settings=SETTINGS)
@click.option("--bundle", type=click.Path(path_type=Path), required=True)
@click.option("--frames", type=click.IntRange(min=1000), default=200_000, show_default=True)
@click.option("--source", default="synthetic:?seed=7", show_default=True)
@click.option("--engine", help="Engine; the first that is installed if not given.")
@click.option("--json", "target", type=click.Path(path_type=Path), help="Write the samples there.")
def soak(bundle: Path, frames: int, source: str, engine: str | None, target: Path | None) -> None:
    """Run edge-infer for so many frames with viewers coming and going, and judge its memory."""
    command = [
        *(sys.executable, "-c", "from edge_runtime.infer.cli import main; main()"),
        *("--bundle", str(bundle), "--source", source, "--serve", "127.0.0.1:0", "--threads", "1"),
        *(() if engine is None else ("--engine", engine)),
    ]
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
    ) as run:
        try:
            samples = _watch(run, frames)
            run.send_signal(signal.SIGTERM)
            code = run.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            raise GateError(f"SIGTERM did not end the process in {_END_SECONDS:g} s.") from None
        finally:
            run.kill()
    verdict = judge(samples)
    if target is not None:
        record = {"verdict": asdict(verdict), "samples": [asdict(sample) for sample in samples]}
        atomic_write_text(target, json.dumps(record, indent=1))
    print(
        f"{samples[-1].frames} frames, judged on {verdict.frames}: "
        f"{verdict.slope_mb:+.2f} ± {1.96 * verdict.error_mb:.2f} MB per {_PER_FRAMES} frames, "
        f"descriptors {verdict.descriptors[0]} -> {verdict.descriptors[1]}, threads "
        f"{verdict.threads[0]} -> {verdict.threads[1]}, {samples[-1].resident / _MB:.0f} MB in all"
    )
    failures = verdict.failures + ([] if code == 143 else [f"SIGTERM ended it with {code}"])
    if failures:
        raise GateError(f"The soak failed: {'; '.join(failures)}.")


def _watch(run: subprocess.Popen[str], frames: int) -> list[Sample]:
    """Visit the page again and again until the process has classified so many frames."""
    port = _port(run)
    visits = (_polite, _crowd, _rude, _malformed)
    samples: list[Sample] = []
    while not samples or samples[-1].frames < frames:
        visits[len(samples) % len(visits)](port)
        time.sleep(_PAUSE_SECONDS)
        # At rest, with every visitor's connection closed.
        sample = _sample(run.pid, port)
        samples.append(sample)
        print(
            f"\r{sample.frames} of {frames} frames, {sample.resident / _MB:.1f} MB",
            end="",
            flush=True,
        )
    print()
    return samples


def _port(run: subprocess.Popen[str]) -> int:
    """Read where the page is, and go on reading so that the process never waits for us.

    Raises:
        GateError: The process ended without serving it.
    """
    if run.stderr is None:
        raise ValueError("the process's messages are not piped")
    for line in run.stderr:
        found = re.search(r"http://127\.0\.0\.1:(\d+)/", line)
        if found:
            threading.Thread(target=run.stderr.read, daemon=True).start()
            return int(found[1])
        print(line, end="", file=sys.stderr)
    raise GateError("edge-infer ended without serving its page; see above.")


def _sample(pid: int, port: int) -> Sample:
    process = Path("/proc") / str(pid)
    resident = resident_memory(process / "status")
    if isinstance(resident, Absent):
        raise GateError(f"The process ended early: {resident}.")
    descriptors, threads = (sum(1 for _ in (process / name).iterdir()) for name in ("fd", "task"))
    return Sample(_moment(port, "watcher")["number"], resident, descriptors, threads)


def _moment(port: int, viewer: str, after: int = 0) -> dict[str, Any]:
    """Look once, however long the places of others are taken."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    with contextlib.closing(connection):
        while True:
            connection.request("GET", f"/live?viewer={viewer}&after={after}")
            response = connection.getresponse()
            body = response.read()
            if response.status == 200:
                break
            time.sleep(float(response.headers["retry-after"]))
    moment: dict[str, Any] = json.loads(body[4 : 4 + int.from_bytes(body[:4], "big")])
    return moment


def _polite(port: int) -> None:
    """One viewer, who looks at twenty moments."""
    number = 0
    for _ in range(20):
        number = _moment(port, "polite", number)["number"]


def _crowd(port: int) -> None:
    """More viewers at once than there are places, who all leave."""
    viewers = [
        threading.Thread(target=_look_or_be_refused, args=(port, f"crowd{index}"))
        for index in range(12)
    ]
    for viewer in viewers:
        viewer.start()
    for viewer in viewers:
        viewer.join()


def _look_or_be_refused(port: int, viewer: str) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    with contextlib.closing(connection):
        for _ in range(3):
            connection.request("GET", f"/live?viewer={viewer}")
            connection.getresponse().read()


def _rude(port: int) -> None:
    """Viewers who leave in the middle of a question or of its answer."""
    question = f"GET /live?viewer=rude HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode()
    for length in (1, 20, len(question), len(question)):
        with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
            connection.sendall(question[:length])
            if length == len(question):
                connection.recv(100)


def _malformed(port: int) -> None:
    """Questions that are none."""
    for question in (
        b"\x16\x03\x01\x02\x00\x01",
        b"GET / HTTP/9.9\r\n\r\n",
        b"\x00" * 4096,
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n",
    ):
        with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
            connection.sendall(question)
            with contextlib.suppress(OSError):
                connection.recv(1000)


if __name__ == "__main__":
    run_command(soak, name="soak")
