"""Finished rows on disk: one small JSON file for each row and fold, to be kept for ever.

A record holds what later comparisons need image by image: counts alone cannot be paired. Images are
numbers (their place in the order of the contents' hashes), groups are numbers, and no file name, no
path and no host name is in it.

History of the format: 1, the first; earlier rows lack the columns ``early_*``, ``smooth_*`` and
``cam_region`` of :class:`Lesions`.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from train.row_file import read_row, row_files, write_row

__all__ = ["MAPS", "Images", "Lesions", "Record", "read_records"]

_FORMAT, _VERSION = "saliedge-study-row", 1
_NAME_DIGITS = 12
MAPS = {
    "gradient": "",
    "gradient-early": "early_",
    "smoothgrad": "smooth_",
    "smoothgrad-early": "smooth_early_",
    "cam": "cam_",
}
"""Name of a saliency method -> what the names of its columns of :class:`Lesions` begin with."""


@dataclass(frozen=True)
class Images:
    """Outcome of each tested image, lists of one length.

    Attributes:
        index: place of the image in the order of contents, 0 to images - 1.
        group: number of its group.
        label: class index.
        predicted: class index.
        probability: of the predicted class.
    """

    index: tuple[int, ...]
    group: tuple[int, ...]
    label: tuple[int, ...]
    predicted: tuple[int, ...]
    probability: tuple[float, ...]


@dataclass(frozen=True)
class Lesions:
    """Saliency of each tested lesion, lists of one length; None where a map is zero everywhere.

    Attributes:
        index: as in :class:`Images`.
        group: likewise.
        area: share of the picture that the mask covers: what an even map's energy would be.
        off_centre: 1 where the mask does not hold the centre pixel, where that guess misses.
        pointing: 1 where the maximum of the map's 9 x 9 mean is inside, or the share of equals.
        energy: share of the map inside.
        region: share of the map in the study's region; empty without one.
        cam_pointing: as ``pointing``, of the class activation map, enlarged and not smoothed.
        cam_energy: as ``energy``, of its part that speaks for the class.
        cam_region: as ``region``, of the same.
        early_pointing: as ``pointing``, of the gradient at an early feature map, enlarged and not
            smoothed.
        early_energy: as ``energy``, of the same; empty where the network has no such map.
        early_region: as ``region``, of the same.
        smooth_pointing: as ``pointing``, of SmoothGrad.
        smooth_energy: as ``energy``, of the same.
        smooth_region: as ``region``, of the same.
        smooth_early_pointing: as ``early_pointing``, of SmoothGrad at the early map.
        smooth_early_energy: as ``early_energy``, of the same.
        smooth_early_region: as ``early_region``, of the same.
        fixed_pixel: 1 where the best fixed pixel of the training part's masks is inside.
        gaussian: share of a centred Gaussian (sigma = side / 6) inside.
    """

    index: tuple[int, ...] = ()
    group: tuple[int, ...] = ()
    area: tuple[float, ...] = ()
    off_centre: tuple[int, ...] = ()
    pointing: tuple[float | None, ...] = ()
    energy: tuple[float | None, ...] = ()
    region: tuple[float | None, ...] = ()
    cam_pointing: tuple[float | None, ...] = ()
    cam_energy: tuple[float | None, ...] = ()
    cam_region: tuple[float | None, ...] = ()
    early_pointing: tuple[float | None, ...] = ()
    early_energy: tuple[float | None, ...] = ()
    early_region: tuple[float | None, ...] = ()
    smooth_pointing: tuple[float | None, ...] = ()
    smooth_energy: tuple[float | None, ...] = ()
    smooth_region: tuple[float | None, ...] = ()
    smooth_early_pointing: tuple[float | None, ...] = ()
    smooth_early_energy: tuple[float | None, ...] = ()
    smooth_early_region: tuple[float | None, ...] = ()
    fixed_pixel: tuple[int, ...] = ()
    gaussian: tuple[float, ...] = ()


@dataclass(frozen=True)
class Record:
    """One row in one fold, finished.

    Attributes:
        row: its name.
        fold: number of the fold.
        config_sha256: identity, see ``Plan.sha256``.
        entries: the configuration behind it.
        folds_sha256: identity of the folds.
        classes: names by index.
        counts: images of ``train``, ``val`` and ``test``.
        confusion: true class by predicted class.
        metrics: figures of this fold by name; None where not defined.
        cost: multiply-accumulates, bit operations and bytes.
        images: outcome of each image.
        lesions: saliency of each lesion.
        lesion_class: what class they are of, empty without masks.
        best_epoch: epoch of the second phase that was kept, or None.
        shared_sha256: weights of the float network that was branched from.
        seconds: of ``training`` (this row's alone), ``measuring`` and ``shared`` training.
        code: version of the package, hash of its sources, versions of torch and numpy.
        machine: processor and threads.
    """

    row: str
    fold: int
    config_sha256: str
    entries: dict[str, Any]
    folds_sha256: str
    classes: tuple[str, ...]
    counts: dict[str, int]
    confusion: tuple[tuple[int, ...], ...]
    metrics: dict[str, float | None]
    cost: dict[str, int]
    images: Images
    lesions: Lesions
    lesion_class: str
    best_epoch: int | None
    shared_sha256: str
    seconds: dict[str, float]
    code: dict[str, str]
    machine: dict[str, Any]

    def write(self, folder: Path) -> Path:
        """Write the record into ``folder``, named by row, fold and hash.

        Raises:
            OutputError: it cannot be written.
        """
        path = folder / f"{self.row}-fold{self.fold}-{self.config_sha256[:_NAME_DIGITS]}.json"
        write_row(path, _FORMAT, _VERSION, asdict(self))
        return path

    @classmethod
    def read(cls, path: Path) -> Record:
        """Read what :meth:`write` wrote.

        Raises:
            ArtifactError: it is damaged or of another version.
        """
        return read_row(path, _FORMAT, _VERSION, cls._from_fields, "the row is run again")

    @classmethod
    def _from_fields(cls, record: dict[str, Any]) -> Record:
        images = Images(**{k: tuple(v) for k, v in record.pop("images").items()})
        lesions = Lesions(**{k: tuple(v) for k, v in record.pop("lesions").items()})
        confusion = tuple(tuple(line) for line in record.pop("confusion"))
        classes = tuple(record.pop("classes"))
        return cls(images=images, lesions=lesions, confusion=confusion, classes=classes, **record)


def read_records(folder: Path) -> dict[tuple[int, str], Record]:
    """All records of a study by fold and hash; rows of the same configuration share one.

    Raises:
        ArtifactError: see :meth:`Record.read`.
    """
    records = (Record.read(path) for path in row_files(folder))
    return {(record.fold, record.config_sha256): record for record in records}
