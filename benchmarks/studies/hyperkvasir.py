"""EfficientNet-Lite0 with PACT and saliency guidance on real endoscopy images, to both engines.

    python -m benchmarks.studies.hyperkvasir --data DIR --out DIR

``DIR`` holds ``labels.csv`` with groups and masks. Prints a table of the held-out test part: the
fake-quantised network in torch, the INT8 bundle in each engine, their agreement, the training time
and the cold start of ``edge-infer`` on one image.
"""

from __future__ import annotations

import csv
import os
import shutil
from pathlib import Path
from typing import Any

import click

from benchmarks.studies.pipeline import Pipeline, read_json, read_predictions
from edge_runtime.command_settings import SETTINGS
from edge_runtime.errors import DataError, GateError, run_command

__all__ = ["hyperkvasir"]

_ENGINES = ("onnx", "litert")
_COLD_STARTS = 5
_LEAST_AGREEMENT = 0.99
_LEAST_ACCURACY = 0.94
_LARGEST_LOSS = 0.01
_TRAINING_LIMIT_S = 25 * 60


@click.command(context_settings=SETTINGS)
@click.option("--data", type=click.Path(path_type=Path), required=True, help="Folder of images.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder of results.")
@click.option("--reuse-run", is_flag=True, help="Take the run in OUT instead of training anew.")
def hyperkvasir(data: Path, out: Path, reuse_run: bool) -> None:
    """Train, export and judge on the group-held-out test part."""
    pipeline = Pipeline()
    run, bundle = out / "run", out / "endoscopy.edge"
    if not reuse_run:
        pipeline.run("Train", "saliedge", "train", "--data", data, "--out", run, "--force")
    pipeline.run("Export", "saliedge", "export", run, "--int8", "--out", bundle, "--force")
    evaluations = {"torch, fake-quantised": _evaluate(pipeline, run, out / "evaluation-torch")}
    for engine in _ENGINES:
        folder = out / f"evaluation-{engine}"
        evaluations[f"INT8, {engine}"] = _evaluate(
            pipeline, bundle, folder, "--data", data, "--split-from", run, "--engine", engine
        )
    frames = out / "test-frames"
    count = _link_test_part(data, run, frames)
    labels = [_infer(pipeline, bundle, frames, out, engine, count) for engine in _ENGINES]
    agreement = sum(labels[0][name] == labels[1][name] for name in labels[0]) / count
    first = next(path for path in sorted(frames.rglob("*")) if path.is_file())
    for engine in _ENGINES:
        seconds = pipeline.cold_start(
            "edge-infer",
            ["--bundle", bundle, "--source", first, "--engine", engine],
            _COLD_STARTS,
        )
        print(f"cold start of edge-infer on one image, {engine}: {seconds:.2f} s")
    if not reuse_run:
        print(f"training took {pipeline.seconds['Train'] / 60:.1f} minutes")
    print(f"the engines agree on the top class of {agreement:.1%} of {count} images")
    _table(evaluations)
    _judge(evaluations, agreement, pipeline.seconds.get("Train", 0.0))


def _evaluate(pipeline: Pipeline, target: Path, out: Path, *options: str | Path) -> dict[str, Any]:
    title = f"Evaluate {out.name.removeprefix('evaluation-')}"
    pipeline.run(title, "saliedge", "evaluate", target, *options, "--out", out, "--force")
    found: dict[str, Any] = read_json(out / "metrics.json")
    return found


def _link_test_part(data: Path, run: Path, frames: Path) -> int:
    """Hard links or copies of the test part's images, in a folder that edge-infer can read.

    Raises:
        DataError: the run's split names no test image.
    """
    shutil.rmtree(frames, ignore_errors=True)
    with (run / "split.csv").open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(line for line in lines if not line.startswith("#")))
    names = [row["file"] for row in rows if row["part"] == "test"]
    if not names:
        raise DataError(f"{run / 'split.csv'} names no test image; train again.")
    for name in names:
        target = frames / name
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(data / name, target)
        except OSError:
            shutil.copyfile(data / name, target)
    return len(names)


def _infer(
    pipeline: Pipeline, bundle: Path, frames: Path, out: Path, engine: str, count: int
) -> dict[str, str]:
    """Predictions and saliency of every test image; the labels by source."""
    lines, maps = out / f"predictions-{engine}.jsonl", out / f"saliency-{engine}"
    pipeline.run(
        f"Infer, {engine}", "edge-infer", "--bundle", bundle, "--source", frames,
        "--engine", engine, "--saliency", "gradient", "--jsonl", lines,
        "--save-saliency", maps, "--force",
    )  # fmt: skip
    predictions = read_predictions(lines)
    written = sum(1 for _ in maps.rglob("*.npy"))
    if len(predictions) != count or written != count:
        raise GateError(
            f"{engine} gave {len(predictions)} predictions and {written} maps of {count} images."
        )
    return {source: record["label"] for source, record in predictions.items()}


def _table(evaluations: dict[str, dict[str, Any]]) -> None:
    print("\n| | images | accuracy (95 %) | macro sensitivity (95 %) |\n|---|---|---|---|")
    for name, evaluation in evaluations.items():
        cells = [
            "{value:.1%} ({low:.1%} to {high:.1%})".format(**evaluation["metrics"][figure])
            for figure in ("accuracy", "macro_sensitivity")
        ]
        print(f"| {name} | {evaluation['images']} | {cells[0]} | {cells[1]} |")
    print("\n| map | lesions | n | pointing | energy inside |\n|---|---|---|---|---|")
    for name, evaluation in evaluations.items():
        for row in evaluation["saliency"]["rows"]:
            cells = [
                "{value:.1%} ({low:.1%} to {high:.1%})".format(**row[key]) if row[key] else ""
                for key in ("pointing", "energy")
            ]
            print(
                f"| {name}: {row['map']} | {row['lesions']} | {row['count']} | {cells[0]} | "
                f"{cells[1]} |"
            )


def _judge(evaluations: dict[str, dict[str, Any]], agreement: float, seconds: float) -> None:
    """Hold the result against what the project promises.

    Raises:
        GateError: with every promise that is not kept.
    """
    accuracy = {
        name: evaluation["metrics"]["accuracy"]["value"] for name, evaluation in evaluations.items()
    }
    torch_accuracy = accuracy.pop("torch, fake-quantised")
    broken = [
        f"{name} is at {value:.1%}"
        for name, value in accuracy.items()
        if value < _LEAST_ACCURACY or value < torch_accuracy - _LARGEST_LOSS
    ]
    if agreement < _LEAST_AGREEMENT:
        broken.append(f"the engines agree on {agreement:.1%}")
    if seconds > _TRAINING_LIMIT_S:
        broken.append(f"training took {seconds / 60:.1f} minutes")
    if broken:
        raise GateError("; ".join(broken) + ".")


if __name__ == "__main__":
    run_command(hyperkvasir, None, name="hyperkvasir")
