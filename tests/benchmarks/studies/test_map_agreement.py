"""Agreement of the device's maps by width: measured on a real run and bundle, kept, and drawn."""

from __future__ import annotations

import json
import shutil
from xml.etree import ElementTree

import numpy as np
import pytest

from benchmarks.studies import map_agreement as study
from benchmarks.studies.map_agreement_report import Agreement, WidthRow, agreement_svg, markdown
from edge_runtime.bundle import open_bundle
from edge_runtime.bundle.trust import MapAgreement, SaliencyTrust
from edge_runtime.errors import IncompleteError, UsageError
from edge_runtime.interval import Interval
from edge_runtime.metrics import rank_correlation
from train.data import load_images
from train.evaluation.selection import select_images
from train.evaluation.targets import BundleTarget, RunTarget


@pytest.fixture(scope="module")
def out(tiny_bundle, tmp_path_factory):
    """A folder in which the tiny run's bundle is there already."""
    folder = tmp_path_factory.mktemp("agreement")
    shutil.copytree(tiny_bundle, folder / "w8a8.edge")
    return folder


@pytest.fixture(scope="module")
def call(out, tiny_run):
    def run(*arguments):
        study.map_agreement.main(
            ["--run", str(tiny_run), "--out", str(out), "--saliency", "cam", *arguments],
            standalone_mode=False,
        )

    return run


@pytest.fixture(scope="module")
def row(out, call, tiny_run):
    call("--bits", "8")
    (file,) = (out / "rows").iterdir()
    return study.read_row(file, study._KIND, study._VERSION, WidthRow.from_json, "")


def test_every_test_image_is_compared_in_every_engine(row, tiny_run, out):
    target = RunTarget(tiny_run)
    samples = select_images(target, None, "test").samples
    assert (row.bits, row.images) == (8, len(samples))
    assert [(found.engine, found.other) for found in row.agreements] == [
        (engine, other)
        for engine in ("onnx", "litert")
        for other in ("trained", "quantisation off", "float network")
    ]
    loaded = load_images(samples, target.preprocessing)
    labels = loaded.labels(target.classes)
    bundle = BundleTarget(out / "w8a8.edge", engine="litert")
    maps = [one.saliency(loaded.images, labels, "cam", lambda _: None) for one in (bundle, target)]
    by_hand = np.median([rank_correlation(a, b) for a, b in zip(*maps, strict=True)])
    assert row.agreements[3].spearman.value == pytest.approx(by_hand)


def test_a_finished_row_is_kept(row, out, call, monkeypatch):
    def measured_again(*_):
        raise AssertionError("measured again")

    monkeypatch.setattr(study, "_measure", measured_again)
    call("--bits", "8")
    assert "| 8 |" in (out / "report.md").read_text()
    ElementTree.parse(out / "agreement.svg")


def test_a_row_is_of_one_bundle(row, out):
    (file,) = (out / "rows").iterdir()
    identity = open_bundle(out / "w8a8.edge").sha256
    assert row.bundle_sha256 == identity
    assert file.name == f"w8a8-cam-{identity[:12]}.json"


def test_a_width_that_fails_is_named_and_the_others_are_reported(row, out, call):
    """The folder of the run of 4 bit is taken by something that is no run."""
    (out / "run-w4a4").mkdir()
    (out / "run-w4a4" / "notes.txt").write_text("x")
    with pytest.raises(IncompleteError, match="widths without a row: 4 bit"):
        call("--bits", "8,4")
    assert "| 8 |" in (out / "report.md").read_text()


def test_widths_that_are_none_are_refused(call):
    with pytest.raises(UsageError, match="3 is not a list of 8, 4 and 2"):
        call("--bits", "3")


def _made(bits, spearman, engine="onnx"):
    interval = Interval(spearman, spearman - 0.02, spearman + 0.02)
    return WidthRow(
        bits, "gradient", 159, 0.98, "0" * 64,
        tuple(
            Agreement(engine, other, interval, Interval(0.9, 0.88, 0.92))
            for other in ("trained", "quantisation off", "float network")
        ),
    )  # fmt: skip


def test_a_width_that_its_export_refused_has_the_figures_of_its_trust_card(tmp_path):
    agreement = MapAgreement(0.85, 0.88)
    other = MapAgreement(-0.01, 0.09)
    card = SaliencyTrust("gradient", "onnx", 32, agreement, other, other, agreement, 0.02)
    gates = {
        "trust": [card.to_json()],
        "gates": [{"name": "one level", "passed": False}, {"name": "parity", "passed": True}],
    }
    (tmp_path / "w2a2.gates.json").write_text(json.dumps(gates))
    row = study._refused(2, tmp_path, "gradient")
    text = markdown([_made(8, 0.94), row])
    assert "| 2 | not exported | onnx | trained | 0.850 | 0.880 |" in text
    assert "2 bit was not exported, since it failed: one level." in text
    picture = ElementTree.fromstring(agreement_svg([_made(8, 0.94), row]))
    hollow = [one for one in picture.iter() if one.get("fill") == "#ffffff" and one.get("r")]
    assert len(hollow) == 2 * 2
    assert study._refused(2, tmp_path, "cam") is None
    assert study._refused(4, tmp_path, "gradient") is None


def test_the_table_says_whether_8_bit_is_as_true_as_it_should_be():
    text = markdown([_made(8, 0.94), _made(4, 0.8)])
    assert "spearman 0.940, 0.95 is missed; top overlap 0.900, 0.85 is reached" in text
    assert text.count("is missed") == 1
    assert "0.95 is reached" in markdown([_made(8, 0.96)])


def test_the_picture_has_a_point_with_its_interval_for_each_figure():
    picture = ElementTree.fromstring(agreement_svg([_made(8, 0.94), _made(4, 0.8), _made(2, 0.4)]))
    name = "{http://www.w3.org/2000/svg}"
    points = [one for one in picture.iter(f"{name}circle") if one.find(f"{name}title") is not None]
    assert len(points) == 2 * 3 * 3
    assert points[0].find(f"{name}title").text == "0.940 (0.920 to 0.960)"
    heights = [float(one.get("cy")) for one in points[:3]]
    assert heights == sorted(heights)
