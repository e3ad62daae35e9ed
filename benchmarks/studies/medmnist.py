"""PneumoniaMNIST and BreastMNIST at 8 and at 4 bit, beside the published ResNet-18 (28).

    python -m benchmarks.studies.medmnist --data DIR --out DIR

``DIR`` holds ``pneumoniamnist.npz`` and ``breastmnist.npz`` (Yang et al., MedMNIST v2, Scientific
Data 10, 41). Three seeds each: one float warm-up, from which an 8-bit and a 4-bit network branch,
with PACT and saliency guidance. Every finished network is a row in ``OUT/rows``, so that the study
goes on where it was stopped; ``--minutes`` stops it early. Prints a Markdown table.

The recipe below was chosen on the validation parts (``--part val``).
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from benchmarks.studies.medmnist_table import PUBLISHED, Row, check_promise, markdown
from edge_runtime.command_settings import SETTINGS
from edge_runtime.errors import DataError, run_command
from edge_runtime.files import atomic_write_text
from train.config import resolve
from train.evaluation import SaliencyOptions, evaluate, open_target
from train.loop.trainer import resume, train
from train.run.directory import RunDirectory
from train.run.progress import Reporter, plain_reporter

__all__ = ["RECIPES", "Trial", "medmnist", "run_trial"]

Recipe = Mapping[str, Mapping[str, Any]]


def _recipe(epochs_float: int, epochs: int) -> Recipe:
    return {
        "network": {"backbone": "small_cnn", "height": 56, "width": 56},
        # An X-ray and an ultrasound image have an up, a left, and no colour.
        "augmentation": {
            "rotation": 15.0,
            "flip": False,
            "shift": 0.05,
            "zoom": 0.1,
            "brightness": 0.1,
            "contrast": 0.15,
            "saturation": 0.0,
        },
        "optimizer": {
            "batch_size": 32,
            "epochs_float": epochs_float,
            "epochs": epochs,
            "lr": 5e-4,
            "lr_alpha": 1e-3,
            "ema": 0.98,
        },
        "run": {"tensorboard": False, "threads": 1, "device": "cpu"},
    }


RECIPES: dict[str, Recipe] = {
    "pneumoniamnist": _recipe(6, 2),
    "breastmnist": _recipe(50, 4),
}
_BITS = (8, 4)
_SEEDS = 3


@dataclass(frozen=True)
class Trial:
    """One network to be trained and measured.

    Attributes:
        file: the MedMNIST file.
        recipe: tables of the configuration.
        seed: of the run.
        bits: of weights and activations, but for the first and the last layer.
        part: ``test``, or ``val`` to choose a recipe.
    """

    file: Path
    recipe: Recipe
    seed: int
    bits: int
    part: str = "test"

    @property
    def name(self) -> str:
        """Names the folder of the run: data, recipe, seed and bits."""
        digest = hashlib.sha256(json.dumps(self.recipe, sort_keys=True).encode()).hexdigest()
        return f"{self.file.stem}-{digest[:8]}-seed{self.seed}-{self.bits}bit"

    def flags(self) -> dict[str, dict[str, Any]]:
        """The recipe with this trial's data, seed and bits."""
        own: Recipe = {
            "data": {"source": str(self.file)},
            "quantization": {"activation_bits": self.bits, "weight_bits": self.bits},
            "run": {"seed": self.seed},
        }
        tables = [*self.recipe, *(name for name in own if name not in self.recipe)]
        return {name: {**self.recipe.get(name, {}), **own.get(name, {})} for name in tables}


def run_trial(trial: Trial, out: Path, reporter: Reporter) -> Row:
    """Train what is left of a trial, measure it and keep its row; a finished one is only read.

    A trial below 8 bit starts its second phase from the float network of the one at 8 bit, which
    must be finished.
    """
    path = out / "rows" / f"{trial.name}-{trial.part}.json"
    if path.is_file():
        return Row.read(path)
    run, started = RunDirectory(out / "runs" / trial.name), time.monotonic()
    if run.config.is_file():
        resume(run, reporter)
    else:
        flags, origin = trial.flags(), None
        if trial.bits != _BITS[0]:
            first = RunDirectory(out / "runs" / Trial(trial.file, trial.recipe, trial.seed, 8).name)
            flags["network"]["start"] = str(first.path)
            origin = first.read_config()
        train(resolve(flags, origin=origin), run, reporter)
    seconds = time.monotonic() - started
    measured = evaluate(
        open_target(run.path), reporter, part=trial.part, saliency=SaliencyOptions(methods=())
    )
    row = Row(
        data=trial.file.stem,
        part=trial.part,
        seed=trial.seed,
        bits=trial.bits,
        seconds=round(seconds, 1),
        labels=tuple(int(label) for label in measured.labels),
        scores=tuple(round(float(score), 6) for score in measured.probabilities[:, 1]),
    )
    atomic_write_text(path, row.text())
    return row


def _trials(data: Path, part: str) -> Iterator[Trial]:
    for name, recipe in RECIPES.items():
        file = data / f"{name}.npz"
        if not file.is_file():
            raise DataError(f"there is no {file}; get it from MedMNIST's site.")
        for seed in range(_SEEDS):
            for bits in _BITS:
                yield Trial(file, recipe, seed, bits, part)


@click.command(context_settings=SETTINGS)
@click.option("--data", type=click.Path(path_type=Path), required=True, help="Folder of the files.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder of results.")
@click.option(
    "--part",
    type=click.Choice(["test", "val"]),
    default="test",
    show_default=True,
    help="What is measured: the test part, or the validation part to choose a recipe.",
)
@click.option(
    "--only", type=click.Choice(sorted(PUBLISHED)), help="One of the two sets, for a quick look."
)
@click.option(
    "--minutes", type=float, help="Train no further network after this; run it again to go on."
)
def medmnist(data: Path, out: Path, part: str, only: str | None, minutes: float | None) -> None:
    """Train, measure and print the table; rows that are there are not made again."""
    started, rows, left = time.monotonic(), [], 0
    with plain_reporter() as reporter:
        for trial in _trials(data, part):
            if only and trial.file.stem != only:
                continue
            if minutes is not None and time.monotonic() - started > 60 * minutes:
                left += 1
                continue
            reporter.message(f"=== {trial.name}")
            rows.append(run_trial(trial, out, reporter))
    table = markdown(rows)
    click.echo(f"\n{table}")
    if left:
        click.echo(f"{left} networks are left; run it again.")
        return
    atomic_write_text(out / f"{part}.md", table)
    if part == "test":
        check_promise(rows)


if __name__ == "__main__":
    run_command(medmnist, None, name="medmnist")
