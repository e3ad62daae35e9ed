"""Where images come from: a folder of classes, a CSV file, a MedMNIST file, or the synthetic set.

All give a :class:`Dataset`: a listing of frozen :class:`Sample` records, which names images
and decodes none. Folders and CSV files may name DICOM files, of which each frame is a sample.
"""

from __future__ import annotations

import csv
import io
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from urllib.parse import parse_qsl

from edge_runtime import synthetic
from edge_runtime.errors import DataError
from edge_runtime.image_files import list_images
from train.data.dicom import is_dicom
from train.data.dicom_listing import DicomListing
from train.data.medmnist import list_arrays
from train.data.sample import Dataset, Sample, SyntheticSource

__all__ = [
    "GROUP_COLUMNS",
    "SYNTHETIC_PREFIX",
    "Dataset",
    "Sample",
    "check_label",
    "first_synthetic_seed",
    "open_dataset",
    "passed_over",
    "recorded_source",
]

SYNTHETIC_PREFIX = "synthetic:"
LABELS_FILE = "labels.csv"
# A sample of each class from one made-up patient.
_SYNTHETIC_GROUP = len(synthetic.CLASSES)
_SYNTHETIC_LIMIT = 1_000_000
_SPLIT_NAMES = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "test": "test",
}
_MAX_LABEL = 100
GROUP_COLUMNS = ("group", "patient", "patient_id")
"""Names that the column of groups may have in a CSV file."""


def open_dataset(source: str | Path) -> Dataset:
    """List the images of ``source``.

    Args:
        source: a folder ``class/*.jpg``; a folder that holds ``labels.csv``, or a ``.csv`` path,
            with the columns ``file,label[,group][,mask][,split]`` (the group may also be called
            ``patient`` or ``patient_id``); a MedMNIST ``.npz`` of 2-D
            images; or ``synthetic:?count=2400&seed=0[&size=128][&shortcut=CLASS]``.

    Raises:
        DataError: there is no such source, it lists no images, a listed file is missing, a label
            has characters that cannot be in a class name, or the listing cannot be trained on
            (fewer than two classes, a class with one image).
    """
    text = str(source)
    if text.startswith(SYNTHETIC_PREFIX):
        return _synthetic(text)
    path = Path(text)
    if path.is_dir():
        labels = path / LABELS_FILE
        return _from_csv(labels, text) if labels.is_file() else _from_folder(path, text)
    if path.suffix.lower() == ".csv" and path.is_file():
        return _from_csv(path, text)
    if path.suffix.lower() == ".npz" and path.is_file():
        return _from_arrays(path, text)
    raise DataError(
        f"there are no images at {text}{_seen_from(path)}: give a folder of classes, a folder or "
        f".csv file with labels, a MedMNIST .npz, or {SYNTHETIC_PREFIX}?count=2400&seed=0."
    )


def recorded_source(source: str, run: Path, remedy: str) -> str:
    """The images that a run recorded, which may be gone or be seen from another folder now.

    Args:
        source: what the run was trained on.
        run: its folder.
        remedy: what to do about it, behind a semicolon.

    Raises:
        DataError: there is nothing.
    """
    path = Path(source)
    if source.startswith(SYNTHETIC_PREFIX) or path.exists():
        return source
    raise DataError(
        f"the images of {run} are not at {source}{_seen_from(path)} any more; {remedy}."
    )


def _seen_from(path: Path) -> str:
    return "" if path.is_absolute() else f" (seen from {Path.cwd()})"


def passed_over(source: str | Path) -> dict[str, int]:
    """What lies in the class folders of a source and is not listed.

    Returns:
        How many files of each suffix, in lower case, and of ``folders``; the most first. Empty for
        a source that is no folder of classes.
    """
    folder = Path(source)
    drawn = str(source).startswith(SYNTHETIC_PREFIX)
    if drawn or not folder.is_dir() or (folder / LABELS_FILE).is_file():
        return {}
    found: Counter[str] = Counter()
    for class_folder in _class_folders(folder):
        listed = set(_pictures(class_folder))
        found.update(
            "folders" if entry.is_dir() else entry.suffix.lower() or "no suffix"
            for entry in class_folder.iterdir()
            if entry not in listed and not entry.name.startswith(".")
        )
    return dict(found.most_common())


def check_label(label: str, where: str) -> str:
    """The label itself if it can be a class name.

    Class names are written to JSON, CSV, file names and terminals, so control characters and path
    separators are refused rather than escaped.

    Raises:
        DataError: it cannot; the sentence says why and where it was found.
    """
    problem = ""
    if not label or label != label.strip():
        problem = "is empty or begins or ends with a space"
    elif any(
        unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp") for character in label
    ):
        problem = "has control characters"
    elif "/" in label or "\\" in label or label in (".", ".."):
        problem = "has path separators"
    elif len(label) > _MAX_LABEL:
        problem = f"is longer than {_MAX_LABEL} characters"
    if problem:
        raise DataError(f"the label {label!r} in {where} {problem}; rename the class.")
    return label


def _from_folder(folder: Path, source: str) -> Dataset:
    samples: list[Sample] = []
    dicom = DicomListing()
    for class_folder in _class_folders(folder):
        label = check_label(class_folder.name, str(folder))
        files = _pictures(class_folder)
        if not files:
            raise DataError(
                f"the class folder {class_folder} holds no images; add some or remove the folder."
            )
        for file in files:
            key = file.relative_to(folder).as_posix()
            samples += dicom.samples_of(Sample(key=key, label=label, group=key, path=file))
    if not samples:
        raise DataError(
            f"{folder} has no class folders with images; expected {folder}/CLASS/*.jpg "
            f"or {folder / LABELS_FILE}."
        )
    return _checked(source, samples, has_groups=dicom.has_groups)


def _class_folders(folder: Path) -> list[Path]:
    return sorted(
        entry for entry in folder.iterdir() if entry.is_dir() and not entry.name.startswith(".")
    )


def _pictures(folder: Path) -> list[Path]:
    """The image and DICOM files of a folder by name."""
    others = (entry for entry in folder.iterdir() if not entry.name.startswith("."))
    dicom = [entry for entry in others if entry.is_file() and is_dicom(entry)]
    return sorted([*list_images(folder), *dicom])


def _from_csv(path: Path, source: str) -> Dataset:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read as UTF-8 text ({error}).") from error
    reader = csv.DictReader(io.StringIO(text, newline=""))
    columns = [name.strip() for name in reader.fieldnames or ()]
    reader.fieldnames = columns
    missing = [name for name in ("file", "label") if name not in columns]
    if missing:
        raise DataError(
            f"{path} has no column {missing[0]!r}; its first line must name the columns "
            "file,label[,group][,mask][,split]."
        )
    named = [name for name in GROUP_COLUMNS if name in columns]
    if len(named) > 1:
        raise DataError(f"{path} has the columns {' and '.join(named)}; keep the one to group by.")
    dicom = DicomListing()
    samples: list[Sample] = []
    try:
        for row in reader:
            samples += dicom.samples_of(_csv_sample(path, reader.line_num, row))
    except csv.Error as error:
        raise DataError(f"{path}, line {reader.line_num}: malformed CSV ({error}).") from error
    if not samples:
        raise DataError(f"{path} lists no images; add one line per image.")
    has_groups = bool(named) and any(sample.group != sample.key for sample in samples)
    return _checked(source, samples, has_groups=has_groups or dicom.has_groups)


def _csv_sample(path: Path, line: int, row: dict[str, str | None]) -> Sample:
    where = f"{path}, line {line}"
    values = {name: (value or "").strip() for name, value in row.items() if isinstance(name, str)}
    if not values["file"]:
        raise DataError(f"{where}: the column file is empty; name an image or remove the line.")
    file = path.parent / values["file"]
    label = check_label(row["label"] or "", where)
    if not file.is_file():
        raise DataError(f"{where}: the image {file} is missing; restore it or remove the line.")
    mask = path.parent / values["mask"] if values.get("mask") else None
    if mask is not None and not mask.is_file():
        raise DataError(f"{where}: the mask {mask} is missing; restore it or empty the field.")
    part = values.get("split", "")
    if part and part.lower() not in _SPLIT_NAMES:
        raise DataError(f"{where}: the split is {part!r}; it must be train, val or test.")
    return Sample(
        key=values["file"],
        label=label,
        group=next(filter(None, map(values.get, GROUP_COLUMNS)), values["file"]),
        path=file,
        mask_path=mask,
        part=_SPLIT_NAMES[part.lower()] if part else "",
    )


def _from_arrays(path: Path, source: str) -> Dataset:
    samples = []
    for image, label in list_arrays(path):
        key = f"{image.part}/{image.index:06d}"
        samples.append(Sample(key=key, label=label, group=key, part=image.part, array=image))
    if not samples:
        raise DataError(f"{path} holds no images; get the file again.")
    return _checked(source, samples, has_groups=False)


def first_synthetic_seed(seed: int) -> int:
    """The generator's seed of the first image of a synthetic set; the others follow it.

    Sets of other seeds share no image, so that one can be tested on what another never saw.
    """
    return seed * _SYNTHETIC_LIMIT


def _synthetic(source: str) -> Dataset:
    """Images made in memory; image ``i`` of seed ``s`` is the same in every listing."""
    options = _synthetic_options(source)
    seed, size = int(options["seed"]), int(options["size"])
    samples = []
    for index in range(int(options["count"])):
        label = synthetic.CLASSES[index % len(synthetic.CLASSES)]
        samples.append(
            Sample(
                key=f"synthetic/{seed}-{index:06d}",
                label=label,
                group=f"synthetic/{seed}-patient-{index // _SYNTHETIC_GROUP:06d}",
                synthetic=SyntheticSource(
                    seed=first_synthetic_seed(seed) + index,
                    size=size,
                    shortcut=label == options["shortcut"],
                ),
            )
        )
    return _checked(source, samples, has_groups=True)


def _synthetic_options(source: str) -> dict[str, str]:
    options = {"count": "2400", "seed": "0", "size": "128", "shortcut": ""}
    given = dict(parse_qsl(source[len(SYNTHETIC_PREFIX) :].lstrip("?"), keep_blank_values=True))
    unknown = sorted(set(given) - set(options))
    options.update(given)
    limits = {
        "count": (2 * len(synthetic.CLASSES), _SYNTHETIC_LIMIT),
        "seed": (0, 2**40),
        "size": (32, 4096),
    }
    wrong = [
        name
        for name, (low, high) in limits.items()
        if not (options[name].isdecimal() and low <= int(options[name]) <= high)
    ]
    if options["shortcut"] and options["shortcut"] not in synthetic.CLASSES:
        wrong.append("shortcut")
    if unknown or wrong:
        raise DataError(
            f"{source!r} has a wrong option {(unknown + wrong)[0]!r}; expected "
            f"{SYNTHETIC_PREFIX}?count=2400&seed=0&size=128[&shortcut={synthetic.CLASSES[-1]}]."
        )
    return options


def _checked(source: str, samples: Sequence[Sample], *, has_groups: bool) -> Dataset:
    repeated = _first_repeated(sample.key for sample in samples)
    if repeated is not None:
        raise DataError(f"{source} lists {repeated} twice; remove one of the lines.")
    classes = tuple(sorted({sample.label for sample in samples}))
    if len(classes) < 2:
        raise DataError(f"{source} has one class only ({classes[0]}); training needs two or more.")
    dataset = Dataset(source, tuple(samples), classes, has_groups)
    for label, count in dataset.counts().items():
        if count < 2:
            raise DataError(
                f"the class {label!r} of {source} has one image only; add images to it or "
                "remove it."
            )
    if len({sample.group for sample in samples}) == 1:
        raise DataError(
            f"all images of {source} belong to one group, which cannot be split; name their groups "
            "in the column group of a CSV file (DICOM files are grouped by PatientID)."
        )
    unassigned = [sample for sample in samples if not sample.part]
    if unassigned and len(unassigned) < len(samples):
        raise DataError(
            f"{source} names a split for some images but not for {unassigned[0].key}; "
            "fill the column split for every image or for none."
        )
    return dataset


def _first_repeated(keys: Iterable[str]) -> str | None:
    seen: set[str] = set()
    for key in keys:
        if key in seen:
            return key
        seen.add(key)
    return None
