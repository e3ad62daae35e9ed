"""The folder that a page's commands run in: tiny synthetic things under the names on the pages."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
from safetensors.torch import save_file
from torch import nn

from edge_runtime.synthetic import CLASSES, generate
from tests.wheel import ROOT

__all__ = ["SMALLER", "THINGS", "Shelf", "smaller"]

_IMAGES_OF_A_CLASS = 20
_SIDE = 64


@dataclass(frozen=True)
class Shelf:
    """What was made once for all pages.

    Attributes:
        run: A finished run of the small CNN.
        bundle: A bundle around a classifier of a few operations.
    """

    run: Path
    bundle: Path


def _classes(folder: Path, name: str, suffix: str = ".jpg") -> None:
    """A folder of classes, as data sets are handed out."""
    for label in CLASSES:
        place = folder / name / label
        place.mkdir(parents=True)
        for index in range(_IMAGES_OF_A_CLASS):
            picture = generate(label, 1000 * CLASSES.index(label) + index, _SIDE).image
            cv2.imwrite(str(place / f"{index:04d}{suffix}"), picture[..., ::-1])


def _parts(folder: Path, name: str) -> None:
    """A folder of parts of classes, as Ultralytics wants it."""
    _classes(folder, "whole")
    for label in CLASSES:
        for index, path in enumerate(sorted((folder / "whole" / label).iterdir())):
            part = ("train", "train", "train", "val", "test")[index % 5]
            target = folder / name / part / label
            target.mkdir(parents=True, exist_ok=True)
            path.rename(target / path.name)
    shutil.rmtree(folder / "whole")


def _photos(folder: Path) -> None:
    _classes(folder, "photos-by-class")
    (folder / "photos").mkdir()
    for label in CLASSES:
        path = folder / "photos-by-class" / label / "0000.jpg"
        path.rename(folder / "photos" / f"{label}.jpg")
    shutil.rmtree(folder / "photos-by-class")


def _bundle(folder: Path, shelf: Shelf, name: str = "first") -> None:
    shutil.copytree(shelf.bundle, folder / f"{name}.edge")
    shutil.copytree(shelf.bundle.with_suffix(".reference"), folder / f"{name}.reference")


def _code_of_a_page(folder: Path) -> None:
    """The module that `docs/how-to/own-backbone.md` shows."""
    text = (ROOT / "docs" / "how-to" / "own-backbone.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n# my_networks.py\n(.*?)```", text, re.DOTALL)
    (folder / "my_networks.py").write_text(code)


def _weights(folder: Path) -> None:
    """Weights of that module's network for the classes of ``kvasir``, trained or not."""
    namespace: dict[str, Callable[[int], nn.Module]] = {}
    exec((folder / "my_networks.py").read_text(), namespace)
    save_file(namespace["tiny"](len(CLASSES)).state_dict(), folder / "mine.safetensors")


THINGS: dict[str, Callable[[Path, Shelf], object]] = {
    "dataset": lambda folder, shelf: _parts(folder, "dataset"),
    "first.edge": _bundle,
    "kvasir": lambda folder, shelf: _classes(folder, "kvasir"),
    "kvasir-dataset-v2": lambda folder, shelf: _classes(folder, "kvasir-dataset-v2"),
    "my_networks.py": lambda folder, shelf: _code_of_a_page(folder),
    "mine.safetensors": lambda folder, shelf: _weights(folder),
    "photos": lambda folder, shelf: _photos(folder),
    "second.edge": lambda folder, shelf: _bundle(folder, shelf, "second"),
    "runs/first": lambda folder, shelf: shutil.copytree(shelf.run, folder / "runs" / "first"),
}
"""What a page may be given -> what puts it into the page's folder."""

SMALLER: dict[tuple[str, ...], dict[str, tuple[str, ...]]] = {
    ("saliedge", "train"): {
        "--backbone": ("small_cnn",),
        "--size": ("32",),
        "--epochs-float": ("2",),
        "--epochs": ("1",),
        "--batch-size": ("16",),
        "--threads": ("1",),
        "--no-tensorboard": (),
    },
    ("saliedge", "export"): {"--samples": ("16",)},
    ("saliedge", "evaluate"): {"--sample": ("4",)},
    ("bench",): {
        "--frames": ("3",),
        "--warmup": ("1",),
        "--rounds": ("1",),
        "--saliency": ("none",),
    },
    ("edge-infer",): {"--max-frames": ("5",)},
}
"""Command -> options that are added where a page does not give them, so that it takes seconds."""

_CONTINUED = ("--resume", "--from", "--config")
_SETTLED = ("--backbone", "--size", "--epochs-float")


def smaller(program: str, arguments: tuple[str, ...]) -> list[str]:
    """The arguments with those of :data:`SMALLER`; a run that goes on keeps its network."""
    words = (program, *arguments)
    result = list(arguments)
    for command, options in SMALLER.items():
        if words[: len(command)] != command or "--resume" in arguments:
            continue
        if program == "bench" and not arguments[0].startswith("-"):
            continue  # a subcommand of it measures nothing
        continued = any(option in arguments for option in _CONTINUED)
        for option, values in options.items():
            if option not in arguments and not (continued and option in _SETTLED):
                result += [option, *values]
    return result
