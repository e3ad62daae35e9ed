"""The generator's pictures as a folder, for every command that takes one."""

from __future__ import annotations

import csv
import io
import os
from pathlib import Path

import numpy as np
from PIL import Image

from edge_runtime.files import atomic_directory, wrote
from edge_runtime.synthetic.picture import CLASSES, LESION_CLASS, generate

__all__ = ["write_dataset"]

_GROUP = "scene-"


def write_dataset(
    directory: str | os.PathLike[str],
    count: int,
    seed: int,
    size: int = 128,
    shortcut_class: str | None = None,
    force: bool = False,
) -> None:
    """Write `count` pictures, the classes in turn, with labels and lesion masks.

    The folder holds `CLASS/000000.png` (the number is the picture's place in the set), a
    `labels.csv` with the columns file, label, group and mask (paths relative to the folder; each
    picture is a group of its own), and `masks/000000.png` (one bit) for the lesion class. Two sets
    share a picture only if their ranges seed .. seed + count - 1 overlap.

    Args:
        directory: The folder to make; it appears only when it is complete.
        count: Number of pictures, at least 1.
        seed: Picture i is drawn with seed + i.
        size: Side in pixels.
        shortcut_class: Plant the shortcut in every picture of this class; None plants none.
        force: Replace an earlier folder.

    Raises:
        OutputError: The folder exists without `force`, or cannot be written.
        ValueError: An argument is out of its range.
    """
    if count < 1:
        raise ValueError(f"count must be at least 1, not {count}")
    if shortcut_class is not None and shortcut_class not in CLASSES:
        raise ValueError(f"shortcut_class must be one of {', '.join(CLASSES)}")
    table = io.StringIO(newline="")
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(("file", "label", "group", "mask"))
    with atomic_directory(directory, force, _is_earlier) as folder:
        for name in (*(f"images/{label}" for label in CLASSES), "masks"):
            (folder / name).mkdir(parents=True)
        for index in range(count):
            label = CLASSES[index % len(CLASSES)]
            sample = generate(label, seed + index, size, shortcut=label == shortcut_class)
            file, mask = f"images/{label}/{index:06d}.png", ""
            Image.fromarray(sample.image).save(folder / file, compress_level=1)
            if label == LESION_CLASS:
                mask = f"masks/{index:06d}.png"
                bits = Image.fromarray(sample.mask.astype(np.uint8) * 255)
                bits.convert("1", dither=Image.Dither.NONE).save(folder / mask)
            writer.writerow((file, label, f"{_GROUP}{seed + index}", mask))
        (folder / "labels.csv").write_text(table.getvalue(), encoding="utf-8")


def _is_earlier(folder: Path) -> bool:
    """Tell a synthetic set from real images of the same layout, by the groups of its first row."""
    if not wrote("images", "masks", "labels.csv")(folder):
        return False
    with (folder / "labels.csv").open(encoding="utf-8", newline="") as table:
        first = next(csv.DictReader(table), {})
    return str(first.get("group", "")).startswith(_GROUP)
