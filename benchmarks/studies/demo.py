"""The main job on synthetic pictures: train, evaluate, export, infer with saliency, bench, judge.

Run by ``make demo``. It fails unless, on pictures of fresh seeds, every engine's INT8 model reaches
95 % accuracy and its gradient map points at the lesion more often than a blind guess does.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import click

from benchmarks.studies.contact_sheet import spread_over_classes, write_contact_sheet
from benchmarks.studies.pipeline import Pipeline, read_json, read_predictions
from edge_runtime.command_settings import SETTINGS
from edge_runtime.errors import GateError, run_command

__all__ = ["demo"]

_TRAINING = "synthetic:?count=2400&seed=0"
_FRESH = "synthetic:?count=300&seed=9001"
_FRESH_FRAMES = ("--count", "60", "--seed", "9002", "--size", "256")
_LEAST_ACCURACY = 0.95
_ENGINES = ("onnx", "litert")
_OVERLAYS = 12


@click.command(context_settings=SETTINGS)
@click.option("--out", type=click.Path(path_type=Path), default=Path("demo"), show_default=True)
def demo(out: Path) -> None:
    """Run the whole main job on the synthetic set and check what it gives."""
    started = time.monotonic()
    pipeline = Pipeline()
    run, bundle = out / "run", out / "endoscopy.edge"
    pipeline.run(
        "Train", "saliedge", "train", "--data", _TRAINING, "--backbone", "small_cnn",
        "--out", run, "--force",
    )  # fmt: skip
    pipeline.run("Export", "saliedge", "export", run, "--int8", "--out", bundle, "--force")
    evaluations = {}
    for engine in _ENGINES:
        folder = out / f"evaluation-{engine}"
        pipeline.run(
            f"Evaluate on fresh pictures, {engine}", "saliedge", "evaluate", bundle,
            "--data", _FRESH, "--split", "all", "--split-from", run,
            "--engine", engine, "--out", folder, "--force",
        )  # fmt: skip
        evaluations[engine] = read_json(folder / "metrics.json")
    frames = out / "frames"
    pipeline.run(
        "Make frames", "saliedge", "data", "synth", "--out", frames, *_FRESH_FRAMES, "--force"
    )
    pipeline.run(
        "Infer with saliency", "edge-infer", "--bundle", bundle, "--source", frames / "images",
        "--saliency-class", "polyp",
        "--jsonl", out / "predictions.jsonl", "--save-saliency", out / "saliency",
        "--save-overlay", out / "overlays", "--skip-bad", "--force",
    )  # fmt: skip
    pipeline.run(
        "Bench", "bench", "--bundle", bundle, "--frames", "50", "--rounds", "3",
        "--json", out / "bench.json", "--force",
    )  # fmt: skip
    _write_sheet(out)
    _judge(evaluations)
    _tell(out, time.monotonic() - started)


def _write_sheet(out: Path) -> None:
    predictions = read_predictions(out / "predictions.jsonl")
    chosen = spread_over_classes(list(predictions), _OVERLAYS)
    overlays = {name: _picture(out / "overlays", name) for name in chosen}
    records = {name: predictions[name] for name in chosen}
    write_contact_sheet(out / "overlays.png", overlays, records)


def _picture(folder: Path, source: str) -> Path:
    """The overlay of a source, whatever picture format it was written in."""
    wanted = folder / source
    return next(wanted.parent.glob(f"{wanted.stem}.*"))


def _judge(evaluations: dict[str, dict[str, Any]]) -> None:
    """Hold the INT8 model against its limits.

    Raises:
        GateError: accuracy below 95 %, or a map no better than a blind guess.
    """
    for engine, evaluation in evaluations.items():
        accuracy = evaluation["metrics"]["accuracy"]["value"]
        if accuracy < _LEAST_ACCURACY:
            raise GateError(
                f"the INT8 model reaches {accuracy:.1%} in {engine} on fresh pictures, less than "
                f"{_LEAST_ACCURACY:.0%}."
            )
        rows = [row for row in evaluation["saliency"]["rows"] if row["lesions"] == "all"]
        blind = {
            row["map"]: row["pointing"]["value"]
            for row in rows
            if "blind" in row["map"] and row["pointing"]
        }
        gradient = next(row for row in rows if "blind" not in row["map"])["pointing"]["value"]
        if not blind or gradient <= max(blind.values()):
            raise GateError(
                f"the gradient map points at {gradient:.1%} of the lesions in {engine}, no more "
                f"than a blind guess ({_listed(blind)})."
            )
        print(f"{engine}: accuracy {accuracy:.1%}; pointing {gradient:.1%} ({_listed(blind)})")


def _listed(rows: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.1%}" for name, value in rows.items())


def _tell(out: Path, seconds: float) -> None:
    print(
        f"\nDone in {seconds:.0f} s.\n"
        f"  pictures with saliency  {out}/overlays/ (twelve of them: {out}/overlays.png)\n"
        f"  raw saliency maps       {out}/saliency/\n"
        f"  predictions             {out}/predictions.jsonl\n"
        f"  evaluation              {out}/evaluation-onnx/, {out}/evaluation-litert/\n"
        f"  benchmark report        {out}/bench.json\n"
        f"  export report           {out}/endoscopy.report.html\n"
        f"  bundle for a device     {out}/endoscopy.edge (saliedge inspect {out}/endoscopy.edge)\n"
        f"  commands                {Path(sys.executable).parent}"
    )


if __name__ == "__main__":
    run_command(demo, None, name="demo")
