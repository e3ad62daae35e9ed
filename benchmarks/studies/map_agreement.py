"""How true the device's maps are, over all test images, and what fewer bits do to them.

    python -m benchmarks.studies.map_agreement --run runs/first --out results

``RUN`` is a finished run of ``saliedge train``. For each width the second phase is trained anew
from its float network (at its own width it is taken as it is) and exported, and the INT8 map of
every test image in each engine is compared with torch's: the straight-through gradient of the same
quantised network, the same network with its quantisation off, and the float network before any
quantised training. Prints a table, and writes ``report.md``, ``agreement.svg`` and a small file for
each width.

Stopped at any time, the same command goes on: finished runs, bundles and rows are kept in ``OUT``.
"""

from __future__ import annotations

import json
from pathlib import Path

import click
import numpy as np

from benchmarks.studies.map_agreement_report import Agreement, WidthRow, write_report
from benchmarks.studies.pipeline import Pipeline
from edge_runtime.bundle import open_bundle
from edge_runtime.command_settings import SETTINGS
from edge_runtime.engines import installed_engines
from edge_runtime.errors import GateError, IncompleteError, UsageError, run_command
from edge_runtime.files import sha256_file
from train.data import LoadedImages, load_images
from train.evaluation.agreement import compare_maps
from train.evaluation.selection import select_images
from train.evaluation.targets import BundleTarget, RunTarget, Target
from train.row_file import ROWS_FOLDER, read_row, write_row
from train.run.directory import RunDirectory
from train.run.progress import Reporter, reporting

__all__ = ["map_agreement"]

_KIND, _VERSION = "saliedge-map-agreement-row", 1
_WIDTHS = (8, 4, 2)


@click.command(context_settings=SETTINGS)
@click.option(
    "--run", required=True, type=click.Path(path_type=Path), help="Finished run to branch from."
)
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder of results.")
@click.option("--bits", default="8,4,2", show_default=True, help="Widths, in this order.")
@click.option("--epochs", type=click.IntRange(1), help="Of the second phase [the recipe's].")
@click.option(
    "--saliency",
    type=click.Choice(["gradient", "gradient-early", "smoothgrad", "smoothgrad-early", "cam"]),
    default="gradient",
    show_default=True,
)
def map_agreement(run: Path, out: Path, bits: str, epochs: int | None, saliency: str) -> None:
    """Compare the maps of the INT8 graphs with torch's at each width, on all test images."""
    rows, missing = [], []
    for width in _widths(bits):
        try:
            rows.append(_row(width, run, out, epochs, saliency))
        except GateError as error:
            refused = _refused(width, out, saliency)
            if refused is None:
                missing.append(f"{width} bit ({error})")
            else:
                rows.append(refused)
    if rows:
        print(f"\n{write_report(rows, out)}")
    if missing:
        raise IncompleteError(f"widths without a row: {'; '.join(missing)}")


def _refused(bits: int, out: Path, saliency: str) -> WidthRow | None:
    """What a failed export tells of the maps; None where it did not get that far."""
    file = out / f"w{bits}a{bits}.gates.json"
    if not file.is_file():
        return None
    return WidthRow.refused_by(bits, saliency, json.loads(file.read_text(encoding="utf-8")))


def _widths(text: str) -> list[int]:
    found = [int(part) for part in text.split(",") if part.strip().isdecimal()]
    if len(found) != len(text.split(",")) or not set(found) <= set(_WIDTHS) or not found:
        raise UsageError(f"--bits {text} is not a list of 8, 4 and 2.")
    return found


def _row(bits: int, origin: Path, out: Path, epochs: int | None, saliency: str) -> WidthRow:
    """The row of a width: kept, or trained, exported and measured as far as that is not done.

    Raises:
        GateError: a command failed.
    """
    run, bundle = _run_of_width(bits, origin, out), out / f"w{bits}a{bits}.edge"
    if not _is_of(bundle, RunDirectory(run).best_checkpoint):
        _train_and_export(bits, origin, run, bundle, epochs)
    identity = open_bundle(bundle).sha256
    file = out / ROWS_FOLDER / f"w{bits}a{bits}-{saliency}-{identity[:12]}.json"
    if not file.is_file():
        with reporting() as reporter:
            row = _measure(bits, run, bundle, saliency, reporter)
        write_row(file, _KIND, _VERSION, row.to_json())
    return read_row(file, _KIND, _VERSION, WidthRow.from_json, "run the study again")


def _train_and_export(bits: int, origin: Path, run: Path, bundle: Path, epochs: int | None) -> None:
    """A bundle of this checkpoint is only written of a finished run, so nothing is done twice."""
    pipeline = Pipeline()
    if run != origin:
        arguments: list[str | Path] = ["--out", run]
        if RunDirectory(run).config.is_file():
            arguments.append("--resume")
        else:
            arguments += ["--from", origin, "--bits", str(bits)]
            arguments += ["--epochs", str(epochs)] if epochs else []
        pipeline.run(f"Train at {bits} bit", "saliedge", "train", *arguments)
    pipeline.run(
        f"Export {bits} bit", "saliedge", "export", run, "--int8", "--out", bundle, "--force"
    )


def _run_of_width(bits: int, origin: Path, out: Path) -> Path:
    quantization = RunDirectory(origin).read_config().quantization
    if (quantization.activation_bits, quantization.weight_bits) == (bits, bits):
        return origin
    return out / f"run-w{bits}a{bits}"


def _is_of(bundle: Path, checkpoint: Path) -> bool:
    """Whether there is a bundle, and it was exported from the checkpoint."""
    if not ((bundle / "bundle.json").is_file() and checkpoint.is_file()):
        return False
    provenance = open_bundle(bundle).spec.provenance
    return provenance.get("checkpoint_sha256") == sha256_file(checkpoint)


def _measure(bits: int, run: Path, bundle: Path, saliency: str, reporter: Reporter) -> WidthRow:
    trained = RunTarget(run)
    selection = select_images(trained, None, "test")
    reporter.start("reading images", len(selection.samples))
    loaded = load_images(
        selection.samples, trained.preprocessing, advance=reporter.advance, skip_bad=True
    )
    labels = loaded.labels(trained.classes)
    groups = [sample.group for sample in loaded.samples]

    def maps(target: Target, title: str) -> np.ndarray:
        reporter.start(f"{bits} bit, {title}", len(labels))
        return target.saliency(loaded.images, labels, saliency, reporter.advance)

    others = {
        "trained": maps(trained, "trained"),
        "quantisation off": maps(trained.in_float(), "quantisation off"),
        "float network": maps(RunTarget(run, checkpoint="float", in_float=True), "float network"),
    }
    devices = {name: BundleTarget(bundle, engine=name) for name in installed_engines()}
    agreements = []
    for engine, target in devices.items():
        found = maps(target, engine)
        for name, theirs in others.items():
            row = compare_maps(engine, name, found, theirs, groups)
            agreements.append(Agreement(engine, name, row.spearman, row.top_overlap))
    first = next(iter(devices.values()))
    return WidthRow(
        bits=bits,
        saliency=saliency,
        images=len(labels),
        accuracy=_accuracy(first, loaded, labels, reporter),
        bundle_sha256=first.bundle.sha256,
        agreements=tuple(agreements),
    )


def _accuracy(
    target: Target, loaded: LoadedImages, labels: np.ndarray, reporter: Reporter
) -> float:
    reporter.start("classifying", len(labels))
    logits = target.logits(loaded.images, reporter.advance)
    return float(np.mean(logits.argmax(axis=1) == labels))


if __name__ == "__main__":
    run_command(map_agreement, name="python -m benchmarks.studies.map_agreement")
