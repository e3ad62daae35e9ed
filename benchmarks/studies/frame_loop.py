"""The frame loop of ``edge-infer`` beside the least that one could write by hand.

    python -m benchmarks.studies.frame_loop first.edge --out benchmarks/results/frame_loop

The hand-written script (``benchmarks/peers/minimal_loop.py``) runs the same network, quantised
after training by the engine makers' tools, with a float input
(``benchmarks/peers/post_training.py``); the float graphs ``first.reference`` must lie beside the
bundle. Frames of 640 x 480 pixels, no saliency, one thread. Each figure is taken in fresh
processes, in turn, round by round, and given as the median of the rounds' ratios with the interval
of the sign test:

* *frame*: median time of a frame from one to the next, of a clock on the wall; *frame, thread*: the
  same in time that the loop's thread computed, which a busy machine blurs less. The loops take
  turns of a few frames at one processor (``benchmarks/peers/turns.py``), and a round's ratio is the
  median of those of its turns;
* *start*: from starting the command to its first prediction, from a film as a camera would give it
  (MJPG) and from a folder of PNG pictures; *start, processor*: time that it computed until then;
* *memory*: most resident memory until then.

Python's bytecode is at hand, as after an installation: it is written before the first round.

How much a frame can gain by taking the camera's bytes is what the script's normalisation takes; its
share of the script's frame is printed below the table.

``--ultralytics PYTHON`` measures ultralytics' classification of the same frames beside them, with
the script's ONNX file.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import click
import numpy as np

from benchmarks.peers.minimal_loop import OPENERS
from benchmarks.peers.post_training import calibration_images, quantize_onnx, quantize_tflite
from benchmarks.peers.turns import take_turns
from benchmarks.sensors.process_memory import peak_memory
from benchmarks.sensors.processor_time import processor_seconds
from benchmarks.statistics import median_interval, paired_ratios
from benchmarks.studies.frame_loop_inputs import HEIGHT, WIDTH, Inputs, write_inputs
from edge_runtime.bundle import Bundle, open_bundle, open_reference, reference_path
from edge_runtime.command_settings import SETTINGS
from edge_runtime.errors import GateError, run_command
from edge_runtime.files import atomic_write_bytes, atomic_write_text
from edge_runtime.reporting.text_table import text_table

__all__ = ["frame_loop"]

ENGINES = {"onnx": (quantize_onnx, "int8.onnx"), "litert": (quantize_tflite, "int8.tflite")}
_WRITE_NO_BYTECODE = "PYTHONDONTWRITEBYTECODE"
OURS, SCRIPT, ULTRALYTICS = "edge-infer", "hand-written", "ultralytics"
QUANTITIES = {
    "frame": "ms",
    "frame, thread": "ms",
    "start, film": "s",
    "start, film, processor": "s",
    "memory, film": "MiB",
    "start, pictures": "s",
    "start, pictures, processor": "s",
    "memory, pictures": "MiB",
}
"""What is measured of each loop, and its unit."""

Figures = dict[str, float]
"""Quantity -> figure of one round; ``normalisation`` is the script's alone, in milliseconds."""

_TURN = 25
_SETTLING = 5  # frames of a turn that come before the caches are the loop's own again
_WARM_UP = 2  # turns
_TIMES = {"frame": "wall_ns", "frame, thread": "thread_ns", "normalisation": "normalise_ns"}


@dataclass(frozen=True)
class Loop:
    """One of the loops in one engine.

    Attributes:
        name: For the report.
        timed: Command that ends with a JSON line of nanoseconds for each frame.
        film: Command that prints its first prediction of the film and goes on.
        pictures: The same of the folder of pictures.
        bytecode: Folder for Python's bytecode.
    """

    name: str
    timed: Sequence[str]
    film: Sequence[str]
    pictures: Sequence[str]
    bytecode: Path

    def starts(self) -> Figures:
        """Measure the starts of one round.

        Raises:
            GateError: A command failed.
        """
        figures: Figures = {}
        for source, command in (("film", self.film), ("pictures", self.pictures)):
            seconds, computed, mebibytes = _start(command, self.environment)
            figures[f"start, {source}"] = seconds
            figures[f"start, {source}, processor"] = computed
            figures[f"memory, {source}"] = mebibytes
        return figures

    def warm(self) -> None:
        """Start once without measuring, so that bytecode is written and the disk has been read."""
        for command in (self.film, self.pictures):
            _start(command, self.environment)

    @property
    def environment(self) -> dict[str, str]:
        """Of all its processes."""
        kept = {name: os.environ[name] for name in os.environ.keys() - {_WRITE_NO_BYTECODE}}
        return {**kept, "PYTHONPYCACHEPREFIX": str(self.bytecode)}


def _start(command: Sequence[str], environment: dict[str, str]) -> tuple[float, float, float]:
    """Return seconds, processor seconds and peak MiB until a command printed its first line."""
    start = time.monotonic()
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        seconds = time.monotonic() - start
        computed = processor_seconds(Path(f"/proc/{process.pid}"))
        memory = peak_memory(Path(f"/proc/{process.pid}/status"))
        process.kill()
    if not line or not isinstance(memory, int) or not isinstance(computed, float):
        raise GateError(f"{' '.join(command[:4])} gave no prediction or no figures.")
    return seconds, computed, memory / (1 << 20)


def _loops(
    bundle: Path, model: Path, engine: str, inputs: Inputs, count: int, ultralytics: Path | None
) -> list[Loop]:
    """Return the loops of an engine, ours first."""
    infer = [
        *(sys.executable, "-m", "edge_runtime.infer.cli", "--bundle", str(bundle)),
        *("--engine", engine, "--threads", "1", "--jsonl", "-", "--source"),
    ]
    worker = [sys.executable, "-m", "benchmarks.studies.frame_loop_worker", str(bundle), engine]
    script = [sys.executable, "-m", "benchmarks.peers.minimal_loop", engine, str(model)]
    film, pictures, frames = str(inputs.film), str(inputs.pictures), str(inputs.frames)
    timed = [frames, str(count), str(_TURN)]
    written = inputs.frames.with_name("bytecode")
    ours = Loop(OURS, [*worker, *timed], [*infer, film], [*infer, pictures], written)
    loops = [ours]
    others = {SCRIPT: script}
    if ultralytics is not None and engine == "onnx":
        suited = str(model.with_name("ultralytics.onnx"))
        module = "benchmarks.peers.ultralytics_loop"
        others[ULTRALYTICS] = [str(ultralytics), "-m", module, suited]
    for name, command in others.items():
        end = str(inputs.count)
        loops.append(
            Loop(
                name,
                [*command, *timed],
                [*command, film, end],
                [*command, pictures, end],
                written,
            )
        )
    return loops


@dataclass(frozen=True)
class Round:
    """What one round found of one loop.

    Attributes:
        figures: Each quantity.
        turns: Quantity of a frame -> its median in each turn, milliseconds.
    """

    figures: Figures
    turns: dict[str, list[float]]

    def ratio_to(self, other: Round, quantity: str) -> float:
        """Return how this one compares; turn by turn where turns were taken."""
        if quantity in self.turns:
            return float(np.median(paired_ratios(self.turns[quantity], other.turns[quantity])))
        return self.figures[quantity] / other.figures[quantity]

    def to_json(self) -> dict[str, object]:
        """Return the JSON object of the report."""
        return {**self.figures, "turns": self.turns}


def _measure(
    loops: Sequence[Loop], rounds: int, turns: int, say: Callable[[str], None]
) -> dict[str, list[Round]]:
    measured: dict[str, list[Round]] = {loop.name: [] for loop in loops}
    for loop in loops:
        loop.warm()
    for number in range(rounds):
        # A B, then B A: what comes last in a round comes first in the next.
        order = loops if number % 2 == 0 else loops[::-1]
        try:
            said = take_turns([loop.timed for loop in order], turns, loops[0].environment)
        except RuntimeError as error:
            raise GateError(f"A loop failed: {error}") from error
        for loop, line in zip(order, said, strict=True):
            times = _medians_of_turns(json.loads(line))
            frames = {name: float(np.median(medians)) for name, medians in times.items()}
            measured[loop.name].append(Round(frames | loop.starts(), times))
        say(f"round {number + 1} of {rounds}")
    return measured


def _medians_of_turns(samples: dict[str, list[int]]) -> dict[str, list[float]]:
    """Quantity -> its median in each turn but the first ones, milliseconds.

    The last frame of a turn goes on until the next turn.
    """
    found = {}
    for name, kind in _TIMES.items():
        if kind in samples:
            turns = np.array([*samples[kind], 0], np.float64).reshape(-1, _TURN)
            settled = turns[_WARM_UP:, _SETTLING : _TURN - 1]
            found[name] = (np.median(settled, axis=1) / 1e6).tolist()
    return found


def _write_model(
    engine: str, bundle: Bundle, reference: Path, model: Path, ultralytics: bool
) -> str:
    """Quantise the network for the script, and say in how many golden images it agrees with ours.

    The classes of the first images of a folder of few may all be the same; the golden images are of
    all classes.
    """
    assert bundle.spec.golden is not None
    images = calibration_images(bundle)
    ENGINES[engine][0](open_reference(reference), images, model)
    if ultralytics and engine == "onnx":
        from benchmarks.peers.ultralytics_model import ultralytics_onnx

        suited = ultralytics_onnx(model.read_bytes(), bundle.spec.classes)
        atomic_write_bytes(model.with_name("ultralytics.onnx"), suited)
    expected = bundle.read_array(bundle.spec.golden.logits_file).argmax(axis=1)
    _, normalise, run = OPENERS[engine](str(model))
    found = []
    for image in images:
        normalise(image)
        found.append(int(run().argmax()))
    agreement = float(np.mean(found == expected))
    return (
        f"{engine}: {agreement:.0%} of the hand-written loop's top classes on the golden images "
        "are the bundle's"
    )


def _report(
    engine: str, measured: dict[str, list[Round]]
) -> tuple[list[list[str]], dict[str, object]]:
    """Return the rows of the table, and the JSON object, of one engine."""
    rows: list[list[str]] = []
    ratios: dict[str, dict[str, object]] = {}
    for other in [name for name in measured if name != OURS]:
        ratios[other] = {}
        for quantity, unit in QUANTITIES.items():
            sides = (measured[OURS], measured[other])
            pairs = zip(*sides, strict=True)
            ratio = median_interval([ours.ratio_to(theirs, quantity) for ours, theirs in pairs])
            low, high = ratio.low, ratio.high
            assert isinstance(low, float) and isinstance(high, float)
            medians = [np.median([one.figures[quantity] for one in side]) for side in sides]
            shown = [f"{value:.2f} {unit}" for value in medians]
            interval = f"{ratio.median:.2f} ({low:.2f} to {high:.2f})"
            rows.append([engine, quantity, shown[0], other, shown[1], interval])
            ratios[other][quantity] = ratio.to_json()
    rounds = {name: [one.to_json() for one in found] for name, found in measured.items()}
    return rows, {"ratios": ratios, "rounds": rounds}


def _ceiling(engine: str, script: Sequence[Round]) -> str:
    """Say how much of the script's frame its normalisation takes."""
    figures = [found.figures for found in script]
    shares = [found["normalisation"] / found["frame, thread"] for found in figures]
    spent = np.median([found["normalisation"] for found in figures])
    return (
        f"{engine}: the hand-written loop normalises for {spent:.3f} ms of a frame, "
        f"{np.median(shares):.1%} of its thread's time."
    )


@click.command(context_settings=SETTINGS)
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option("--engine", "engines", multiple=True, type=click.Choice(list(ENGINES)))
@click.option("--rounds", type=click.IntRange(min=2), default=7, show_default=True)
@click.option(
    "--frames",
    type=click.IntRange(min=(_WARM_UP + 1) * _TURN),
    default=300,
    show_default=True,
    help=f"Taken in turns of {_TURN}.",
)
@click.option("--ultralytics", type=click.Path(path_type=Path), help="Python that has it.")
@click.option("--out", type=click.Path(path_type=Path), help="Folder for the report.")
def frame_loop(
    bundle: Path,
    engines: Sequence[str],
    rounds: int,
    frames: int,
    ultralytics: Path | None,
    out: Path | None,
) -> None:
    """Compare the loop of edge-infer with a minimal hand-written one, for BUNDLE."""
    opened = open_bundle(bundle)
    rows: list[list[str]] = []
    ceilings: list[str] = []
    record: dict[str, object] = {}
    with tempfile.TemporaryDirectory() as folder:
        inputs = write_inputs(Path(folder))
        for engine in engines or list(ENGINES):
            model = Path(folder) / ENGINES[engine][1]
            reference = reference_path(bundle)
            said = _write_model(engine, opened, reference, model, ultralytics is not None)
            click.echo(said, err=True)
            count = frames - frames % _TURN
            loops = _loops(bundle.resolve(), model, engine, inputs, count, ultralytics)
            say = partial(click.echo, err=True)
            measured = _measure(loops, rounds, frames // _TURN, say)
            added, record[engine] = _report(engine, measured)
            rows += added
            ceilings.append(_ceiling(engine, measured[SCRIPT]))
    network = opened.spec.preprocessing
    head = ("engine", "figure", OURS, "beside", "its figure", "ratio (95 %)")
    title = f"{WIDTH}x{HEIGHT} frames, {network.width}x{network.height} network, one thread"
    lines = [f"{title}, {rounds} rounds", "", text_table(head, rows), "", *ceilings]
    text = "\n".join(lines) + "\n"
    click.echo(text)
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        atomic_write_text(out / "report.txt", text)
        atomic_write_text(out / "report.json", json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    run_command(frame_loop, None, name="frame_loop")
