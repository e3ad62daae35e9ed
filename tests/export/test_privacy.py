"""Who the patients are stays with whoever trained: no byte of what leaves tells it.

The name is planted wherever a clinic's data have one: in folders, in a column of a CSV file that
groups by patient, in DICOM tags and in a PNG's text. Everything that an export writes is then
searched, in the encodings that a program could have written it in.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from edge_runtime import synthetic
from edge_runtime.bundle import open_bundle
from tests.train.data.dicom_files import write_dicom

NAMES = ("Quastenflosser", "Eleonore", "19470811")
FAMILY, GIVEN, BIRTH = NAMES


def _dataset(root: Path) -> Path:
    """24 images of two classes from 12 patients, every second a DICOM file."""
    lines = ["file,label,patient"]
    for number in range(24):
        label = ("normal", "polyp")[number % 2]
        pixels = synthetic.generate(label, number, size=48).image
        stem = f"{FAMILY}_{GIVEN}/{BIRTH}/{GIVEN.lower()}-{number:02d}"
        if number % 4 < 2:
            file = f"{stem}.dcm"
            write_dicom(
                root / file,
                pixels,
                PatientName=f"{FAMILY}^{GIVEN}",
                PatientID=f"{FAMILY}-{BIRTH}-{number // 2}",
                PatientBirthDate=BIRTH,
                InstitutionName=f"Klinik {FAMILY}",
            )
        else:
            file = f"{stem}.png"
            text = PngImagePlugin.PngInfo()
            text.add_text("Patient", f"{FAMILY}, {GIVEN}")
            (root / file).parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(root / file, pnginfo=text)
        lines.append(f"{file},{label},{FAMILY}-{GIVEN}-{number // 2}")
    (root / "labels.csv").write_text("\n".join(lines) + "\n")
    return root


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that an export of a run on such data writes into."""
    from export.cli import export
    from train.config import resolve
    from train.loop.trainer import train
    from train.run.directory import RunDirectory
    from train.run.progress import plain_reporter

    root = tmp_path_factory.mktemp("clinic")
    config = resolve(
        {
            "data": {"source": str(_dataset(root / f"{FAMILY}-study"))},
            "network": {"backbone": "small_cnn", "height": 32, "width": 32},
            "quantization": {"calibration_images": 16},
            "optimizer": {"epochs_float": 1, "epochs": 1, "batch_size": 8},
            "run": {"tensorboard": False, "threads": 1},
        }
    )
    run = root / f"run-{FAMILY}"
    with plain_reporter() as reporter:
        train(config, RunDirectory(run), reporter)
    out = root / "out"
    export.main([str(run), "--out", str(out / "model.edge"), "--samples", "16"],
                standalone_mode=False)  # fmt: skip
    return out


def _spellings(name: str) -> Iterator[bytes]:
    """A name in the encodings and cases that a program might write."""
    for text in (name, name.lower(), name.upper()):
        for encoding in ("utf-8", "utf-16-le", "utf-16-be", "utf-32-le"):
            raw = text.encode(encoding)
            yield raw
            # Base64 has three forms, by where the name begins; its ends mix with the neighbours.
            for shift in range(3):
                encoded = base64.b64encode(b"\0" * shift + raw)[4 if shift else 0 : -4]
                if len(encoded) >= 6:  # shorter ones turn up by chance
                    yield encoded
        yield text.encode().hex().encode()
        yield text[::-1].encode()


def _contents(path: Path) -> Iterator[bytes]:
    """A file's bytes and, of a page, those of its pictures, unpacked."""
    data = path.read_bytes()
    yield data
    for part in data.split(b"data:image/png;base64,")[1:]:
        picture = base64.b64decode(part.partition(b'"')[0])
        yield picture
        image = Image.open(io.BytesIO(picture))
        yield np.asarray(image).tobytes()
        yield repr(image.info).encode()


@pytest.mark.parametrize("name", NAMES)
def test_no_file_that_an_export_writes_tells_a_patients_name(exported: Path, name: str) -> None:
    files = [path for path in exported.rglob("*") if path.is_file()]
    assert {"bundle.json", "report.html", "README.md", "gates.json", "reference.json"} <= {
        path.name for path in files
    }
    for path in files:
        assert name not in path.name
        for data in _contents(path):
            found = [spelling for spelling in _spellings(name) if spelling in data]
            assert not found, f"{path.name}: {found}"


def test_the_search_would_find_it(exported: Path) -> None:
    """What the training keeps for itself does name the files."""
    config = next(exported.parent.glob("run-*/config.toml")).read_bytes()
    assert any(spelling in config for spelling in _spellings(FAMILY))
    hidden = [
        f"x{FAMILY}y".encode("utf-16-le"),
        base64.b64encode(f"patient={FAMILY}".encode()),
        base64.b64encode(f"of {FAMILY}!".encode()),
    ]
    for data in hidden:
        assert any(spelling in data for spelling in _spellings(FAMILY)), data


def test_the_run_says_how_many_groups_there_were_and_no_more(exported: Path) -> None:
    import json

    provenance = json.loads((exported / "model.edge" / "bundle.json").read_text())["provenance"]
    assert provenance["groups"] == 12
    # Named by layers, such as stages/1/0, which are no paths.
    layers = provenance["export"].pop("moved_ranges")
    bundle = open_bundle(exported / "model.edge").spec
    assert set(layers) <= {site.site for site in bundle.quantization}
    assert not [value for value in map(str, provenance.values()) if "/" in value]
