"""The frame loop of ``edge-infer`` beside the least that one could write by hand.

    python -m benchmarks.studies.frame_loop first.edge --out benchmarks/results/frame_loop

The hand-written script (``benchmarks/peers/minimal_loop.py``) runs the same network, quantised
after training by the engine makers' tools, with a float input
(``benchmarks/peers/post_training.py``); the float graphs ``first.reference`` must lie beside the
bundle. Frames of 640 x 480 pixels, no saliency, one thread. Each figure is taken in fresh
processes, the two in turn, round by round, and given as the median of the rounds' ratios with the
interval of the sign test:

* *wall*: median time of a frame from one to the next; *thread*: the same in time that the loop's
  thread spent computing, which a busy machine blurs less;
* *cold start*: from starting the command to its first prediction, from a folder of PNG files;
* *memory*: most resident memory until then.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import click
import cv2
import numpy as np

from benchmarks.peers.minimal_loop import OPENERS
from benchmarks.peers.post_training import calibration_images, quantize_onnx, quantize_tflite
from benchmarks.sensors.process_memory import peak_memory
from benchmarks.statistics import median_interval, paired_ratios
from edge_runtime.bundle import Bundle, open_bundle, open_reference, reference_path
from edge_runtime.errors import GateError, run_command
from edge_runtime.files import atomic_write_text
from edge_runtime.reporting.text_table import text_table
from edge_runtime.synthetic import SyntheticScene

__all__ = ["frame_loop"]

ENGINES = {"onnx": (quantize_onnx, "int8.onnx"), "litert": (quantize_tflite, "int8.tflite")}
WIDTH, HEIGHT, FRAMES = 640, 480, 16
PICTURES = 400
QUANTITIES = ("wall", "thread", "cold start", "memory")


@dataclass(frozen=True)
class Figures:
    """What one round measured of one loop.

    Attributes:
        wall: Median milliseconds of a frame.
        thread: Median milliseconds of a frame that its thread computed.
        cold_start: Seconds from starting the command to its first prediction.
        memory: Most resident memory until then, MiB.
    """

    wall: float
    thread: float
    cold_start: float
    memory: float


@dataclass(frozen=True)
class Loop:
    """One of the two loops in one engine.

    Attributes:
        name: For the report.
        timed: Command that ends with a JSON line of nanoseconds for each frame.
        started: Command that prints its first prediction and goes on.
    """

    name: str
    timed: Sequence[str]
    started: Sequence[str]

    def measure(self, warm_up: int) -> Figures:
        """Measure one round.

        Raises:
            GateError: A command failed.
        """
        ended = subprocess.run(self.timed, capture_output=True, text=True, check=False)
        if ended.returncode:
            raise GateError(f"{self.name} failed: {ended.stderr.strip()[-300:]}")
        samples = json.loads(ended.stdout.splitlines()[-1])
        wall, thread = (
            float(np.median(samples[kind][warm_up:])) / 1e6 for kind in ("wall_ns", "thread_ns")
        )
        seconds, mebibytes = _cold_start(self.started)
        return Figures(wall, thread, seconds, mebibytes)


def _cold_start(command: Sequence[str]) -> tuple[float, float]:
    """Return seconds and peak MiB until a command printed its first line; it is ended then."""
    start = time.monotonic()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        seconds = time.monotonic() - start
        memory = peak_memory(Path(f"/proc/{process.pid}/status"))
        process.kill()
    if not line or not isinstance(memory, int):
        raise GateError(f"{' '.join(command[:4])} gave no prediction or no memory figure.")
    return seconds, memory / (1 << 20)


def _loops(bundle: Path, model: Path, engine: str, frames: Path, count: int) -> tuple[Loop, Loop]:
    pictures = str(frames.parent / "pictures")
    timed = [sys.executable, "-m", "benchmarks.studies.frame_loop_worker", str(bundle), engine]
    infer = [
        *(sys.executable, "-m", "edge_runtime.infer.cli", "--bundle", str(bundle)),
        *("--engine", engine, "--threads", "1", "--source", pictures, "--jsonl", "-"),
    ]
    script = [sys.executable, "-m", "benchmarks.peers.minimal_loop", engine, str(model)]
    return (
        Loop("edge-infer", [*timed, str(frames), str(count)], infer),
        Loop(
            "hand-written", [*script, str(frames), str(count)], [*script, pictures, str(PICTURES)]
        ),
    )


def _write_frames(folder: Path) -> Path:
    """Write the frames as one array, and as a folder of many names for one picture."""
    scene = SyntheticScene(0, WIDTH, HEIGHT)
    frames = np.stack([scene.frame(index) for index in range(FRAMES)])
    np.save(folder / "frames.npy", frames)
    pictures = folder / "pictures"
    pictures.mkdir()
    first = pictures / "0000.png"
    cv2.imwrite(str(first), frames[0][..., ::-1])
    for index in range(1, PICTURES):
        (pictures / f"{index:04d}.png").hardlink_to(first)
    return folder / "frames.npy"


def _measure(
    loops: tuple[Loop, Loop], rounds: int, warm_up: int, say: Callable[[str], None]
) -> dict[str, list[Figures]]:
    measured: dict[str, list[Figures]] = {loop.name: [] for loop in loops}
    for number in range(rounds):
        # A B, then B A: what comes second in a round comes first in the next.
        for loop in loops if number % 2 == 0 else loops[::-1]:
            measured[loop.name].append(loop.measure(warm_up))
        say(f"round {number + 1} of {rounds}")
    return measured


def _agreement(bundle: Bundle, engine: str, model: Path) -> float:
    """Return for how many golden images the peer gives the bundle's top class, 0 to 1."""
    assert bundle.spec.golden is not None
    expected = bundle.read_array(bundle.spec.golden.logits_file).argmax(axis=1)
    _, normalise, run = OPENERS[engine](str(model))
    found = []
    for image in calibration_images(bundle):
        normalise(image)
        found.append(int(run().argmax()))
    return float(np.mean(found == expected))


def _report(
    engine: str, measured: dict[str, list[Figures]]
) -> tuple[list[list[str]], dict[str, object]]:
    """Return the rows of the table, and the JSON object, of one engine."""
    ours, theirs = measured["edge-infer"], measured["hand-written"]
    rows, record = [], {}
    for quantity in QUANTITIES:
        name = quantity.replace(" ", "_")
        pair = [[getattr(figures, name) for figures in side] for side in (ours, theirs)]
        ratio = median_interval(paired_ratios(*pair))
        unit = {"wall": "ms", "thread": "ms", "cold start": "s", "memory": "MiB"}[quantity]
        low, high = ratio.low, ratio.high
        assert isinstance(low, float) and isinstance(high, float)
        rows.append(
            [
                engine,
                quantity,
                *(f"{np.median(values):.2f} {unit}" for values in pair),
                f"{ratio.median:.2f} ({low:.2f} to {high:.2f})",
            ]
        )
        record[name] = ratio.to_json()
    figures = {name: [asdict(one) for one in rounds] for name, rounds in measured.items()}
    return rows, {"ratios": record, "rounds": figures}


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option("--engine", "engines", multiple=True, type=click.Choice(list(ENGINES)))
@click.option("--rounds", type=click.IntRange(min=2), default=7, show_default=True)
@click.option("--frames", type=click.IntRange(min=50), default=300, show_default=True)
@click.option("--out", type=click.Path(path_type=Path), help="Folder for the report.")
def frame_loop(
    bundle: Path, engines: Sequence[str], rounds: int, frames: int, out: Path | None
) -> None:
    """Compare the loop of edge-infer with a minimal hand-written one, for BUNDLE."""
    opened, reference = open_bundle(bundle), open_reference(reference_path(bundle))
    images = calibration_images(opened)
    rows: list[list[str]] = []
    record: dict[str, object] = {}
    with tempfile.TemporaryDirectory() as folder:
        source = _write_frames(Path(folder))
        for engine in engines or list(ENGINES):
            quantize, name = ENGINES[engine]
            model = Path(folder) / name
            quantize(reference, images, model)
            click.echo(
                f"{engine}: {_agreement(opened, engine, model):.0%} of the hand-written "
                "loop's top classes on the golden images are the bundle's",
                err=True,
            )
            loops = _loops(bundle.resolve(), model, engine, source, frames)
            measured = _measure(loops, rounds, frames // 5, lambda text: click.echo(text, err=True))
            added, record[engine] = _report(engine, measured)
            rows += added
    geometry = opened.spec.preprocessing
    head = ("engine", "figure", "edge-infer", "hand-written", "ratio (95 %)")
    title = f"{WIDTH}x{HEIGHT} frames, {geometry.width}x{geometry.height} network, one thread"
    text = f"{title}, {rounds} rounds\n\n{text_table(head, rows)}\n"
    click.echo(text)
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        atomic_write_text(out / "report.txt", text)
        atomic_write_text(out / "report.json", json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    run_command(frame_loop, None, name="frame_loop")
