"""Writing ``NAME.edge/``, ``NAME.reference/`` and the report beside them, each in one step."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_runtime.bundle import (
    BUNDLE_FILE,
    REFERENCE_FILE,
    BundleSpec,
    FeatureStatistics,
    FileRecord,
    ReferenceSpec,
    SiteQuantization,
    open_bundle,
    open_reference,
)
from edge_runtime.bundle.trust import SaliencyTrust
from edge_runtime.errors import OutputError
from edge_runtime.files import atomic_directory, atomic_write_text, sha256_bytes
from export.candidate import Candidate, GraphFile
from export.checks.gates import GateReport
from export.feature_statistics import FeatureMoments
from export.golden import GoldenSet
from export.report.model_card import CARD_FILE, model_card
from export.trained_run import TrainedRun

__all__ = [
    "GATES_FILE",
    "PAGE_FILE",
    "BundleContents",
    "bundle_record",
    "gates_path",
    "is_bundle",
    "is_reference",
    "report_path",
    "write_bundle",
    "write_reference",
    "write_report",
]

GATES_FILE, PAGE_FILE = "gates.json", "report.html"
_MEAN_FILE, _WHITENING_FILE = "features-mean.npy", "features-whitening.npy"


@dataclass(frozen=True)
class BundleContents:
    """A whole bundle in memory: ``spec`` is ``bundle.json``, ``files`` is everything else."""

    spec: BundleSpec
    files: dict[str, bytes]

    @property
    def record(self) -> bytes:
        """The bytes of ``bundle.json``."""
        return _json_bytes(self.spec.to_json())

    @property
    def sha256(self) -> str:
        """The identity of the bundle."""
        return sha256_bytes(self.record)


def gates_path(bundle_path: Path) -> Path:
    """Where the record of the checks lies: ``NAME.gates.json`` beside ``NAME.edge``."""
    return bundle_path.with_name(f"{bundle_path.name.removesuffix('.edge')}.gates.json")


def report_path(bundle_path: Path) -> Path:
    """Where the page for people lies: ``NAME.report.html`` beside ``NAME.edge``."""
    return bundle_path.with_name(f"{bundle_path.name.removesuffix('.edge')}.report.html")


def write_report(bundle_path: Path, record: dict[str, Any], page: str) -> None:
    """Write record and page beside a bundle, whether it passes or not; earlier ones are replaced.

    Raises:
        OutputError: the place is read-only or full.
    """
    atomic_write_text(gates_path(bundle_path), _json_bytes(record).decode())
    atomic_write_text(report_path(bundle_path), page)


def bundle_record(
    run: TrainedRun,
    candidate: Candidate,
    golden: GoldenSet,
    features: FeatureMoments,
    gates: GateReport,
    trust: tuple[SaliencyTrust, ...],
    *,
    name: str,
    record: dict[str, Any],
    page: str,
    provenance: dict[str, Any],
    includes_images: bool,
) -> BundleContents:
    """Put a bundle together in memory.

    Args:
        run: classes, preprocessing and scores.
        candidate: graphs that passed.
        golden: golden inputs and outputs.
        features: moments of the training features.
        gates: what was judged.
        trust: the trust card.
        name: of the model, for people.
        record: of everything that was checked.
        page: the same for people.
        provenance: hashes, counts and versions; no path and no file name of an image.
        includes_images: whether the page shows training images.
    """
    card = model_card(
        run,
        record,
        provenance,
        intended_use=BundleSpec.intended_use,
        includes_images=includes_images,
    )
    files = {
        **_array_files(candidate, golden, features),
        GATES_FILE: _json_bytes(record),
        PAGE_FILE: page.encode(),
        CARD_FILE: card.encode(),
    }
    spec = BundleSpec(
        name=name,
        classes=run.classes,
        preprocessing=run.preprocessing,
        temperature=run.temperature,
        operating_points=run.operating_points,
        graphs=tuple(graph.spec for graph in candidate.graphs),
        files=_records(files),
        golden=golden.record,
        features=_feature_record(features),
        quantization=_sites(candidate),
        provenance=provenance,
        metrics={} if run.validation is None else {"validation": {"part": "val", **run.validation}},
        gates=tuple(gates.gates),
        saliency_trust=trust,
        includes_images=includes_images,
    )
    return BundleContents(spec, files)


def _array_files(
    candidate: Candidate, golden: GoldenSet, features: FeatureMoments
) -> dict[str, bytes]:
    """What programs read: graphs, golden images with their outputs, statistics of features."""
    return {
        **{graph.spec.file: graph.model for graph in candidate.graphs},
        **{file: _npy_bytes(array) for file, array in golden.arrays.items()},
        _MEAN_FILE: _npy_bytes(features.mean),
        _WHITENING_FILE: _npy_bytes(features.whitening),
    }


def _feature_record(features: FeatureMoments) -> FeatureStatistics:
    return FeatureStatistics(
        size=len(features.mean),
        count=features.count,
        mean_file=_MEAN_FILE,
        whitening_file=_WHITENING_FILE,
        whitening_scale=features.whitening_scale,
        shrinkage=features.shrinkage,
        threshold=features.threshold,
        false_alarm_rate=features.false_alarm_rate,
    )


def is_bundle(path: Path) -> bool:
    """Tell a bundle, whole or not, from another folder."""
    return (path / BUNDLE_FILE).is_file()


def is_reference(path: Path) -> bool:
    """Tell the float graphs of an earlier export, whole or not, from another folder."""
    return (path / REFERENCE_FILE).is_file()


def write_bundle(path: Path, contents: BundleContents, *, force: bool) -> None:
    """Write ``NAME.edge`` beside its place, read it back from the disk, then rename it.

    Raises:
        OutputError: the place is taken (without ``force``), read-only or full, or gave back other
            bytes than were written; an earlier bundle is unchanged then.
    """
    with atomic_directory(path, force, is_bundle) as folder:
        _write_files(folder, contents.files)
        (folder / BUNDLE_FILE).write_bytes(contents.record)
        written = open_bundle(folder)
        if written.sha256 != contents.sha256 or not written.verify_files().passed:
            raise OutputError(f"{path} was not written as it should be; check its disk.")


def write_reference(
    path: Path, run: TrainedRun, graphs: tuple[GraphFile, ...], bundle: BundleContents
) -> None:
    """Write ``NAME.reference`` with the float graphs; an earlier one is replaced.

    Raises:
        OutputError: as :func:`write_bundle`.
    """
    files = {graph.spec.file: graph.model for graph in graphs}
    spec = ReferenceSpec(
        name=bundle.spec.name,
        classes=run.classes,
        preprocessing=run.preprocessing,
        graphs=tuple(graph.spec for graph in graphs),
        files=_records(files),
        bundle_sha256=bundle.sha256,
    )
    with atomic_directory(path, True, is_reference) as folder:
        _write_files(folder, files)
        (folder / REFERENCE_FILE).write_bytes(_json_bytes(spec.to_json()))
        if not open_reference(folder).verify_files().passed:
            raise OutputError(f"{path} was not written as it should be; check its disk.")


def _sites(candidate: Candidate) -> tuple[SiteQuantization, ...]:
    network = candidate.network
    return tuple(
        SiteQuantization(
            site=name,
            alpha=float(network.site_of(name).alpha.detach()),
            bits=network.site_of(name).bits,
            signed=network.site_of(name).signed,
            scale=candidate.plain.tensors[name].scale or 0.0,
        )
        for name in network.sites
    )


def _write_files(folder: Path, files: dict[str, bytes]) -> None:
    for name, data in files.items():
        (folder / name).write_bytes(data)


def _records(files: dict[str, bytes]) -> dict[str, FileRecord]:
    return {name: FileRecord(sha256_bytes(data), len(data)) for name, data in files.items()}


def _npy_bytes(array: NDArray[np.generic]) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.ascontiguousarray(array), allow_pickle=False)
    return buffer.getvalue()


def _json_bytes(record: dict[str, Any]) -> bytes:
    return (json.dumps(record, indent=1, allow_nan=False) + "\n").encode()
