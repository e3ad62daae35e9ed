"""saliedge inspect: what a bundle holds, for people and for machines."""

from __future__ import annotations

import json

from edge_runtime import open_bundle
from edge_runtime.bundle.trust import LesionPointing, MapAgreement, SaliencyTrust
from tests.edge_runtime import tiny_graphs


def test_everything_that_matters_is_shown(saliedge, tiny_bundle_path):
    end = saliedge("inspect", tiny_bundle_path)
    assert end.code == 0
    for part in (
        open_bundle(tiny_bundle_path).sha256,
        "red, green, blue",
        "16 x 16",
        "int8-cam.onnx",
        "cam 4x4",
        "1 of 1 passed",
        "accuracy  98.0%",
        "holds patients' pictures  no",
        "p >= 0.2500",
        "96.0% (90.0% to 100.0%)",
    ):
        assert part in end.out


def test_what_few_ask_for_is_shown_on_demand(saliedge, tiny_bundle_path):
    short, full = (saliedge("inspect", tiny_bundle_path, *more).out for more in ((), ("--all",)))
    assert "\nNot shown: ranges, gates, provenance; see them with --all.\n" in short
    assert "Not shown" not in full
    for part in ("shine", "onnx top-1 agreement", "provenance\n"):
        assert part in full
        assert part not in short


def test_it_says_that_the_files_were_not_looked_at(saliedge, tiny_bundle_path):
    last = saliedge("inspect", tiny_bundle_path).out.splitlines()[-1]
    assert last == "Read from the record; whether the files are as exported, saliedge verify tells."


def test_the_trust_card_of_the_maps_is_shown(saliedge, tmp_path):
    agreement = MapAgreement(0.94, 0.89)
    lesions = LesionPointing("off-centre", "polyp", 43, 0.605, 0.233, 0.19, 0.158)
    card = SaliencyTrust(
        "gradient", "litert", 32, agreement, MapAgreement(0.61, 0.5), MapAgreement(0.62, 0.51),
        MapAgreement(0.8, 0.7), 0.21, (lesions,),
    )  # fmt: skip
    tiny_graphs.write_bundle(tmp_path / "t.edge", saliency_trust=(card,))
    out = saliedge("inspect", tmp_path / "t.edge").out
    (line,) = (line for line in out.splitlines() if line.startswith("gradient  litert"))
    for part in ("0.94 / 89%", "0.61 / 50%", "0.80 / 70%", " 0.21 ", "60% (23%) of 43"):
        assert part in line
    assert "pointing, off-centre (blind)" in out
    assert "map changes much" not in out


def test_a_map_that_cannot_be_trusted_is_named(saliedge, tmp_path):
    good, bad = MapAgreement(0.94, 0.89), MapAgreement(0.34, 0.25)
    card = SaliencyTrust("gradient", "onnx", 32, good, good, good, bad, 0.8)
    tiny_graphs.write_bundle(tmp_path / "t.edge", saliency_trust=(card,))
    out = saliedge("inspect", tmp_path / "t.edge").out
    assert "The gradient map changes much (Spearman 0.34) when each byte" in out
    assert "The gradient map keeps much of its order (Spearman 0.80)" in out


def test_json_is_the_record_with_its_hash(saliedge, tiny_bundle_path):
    record = json.loads(saliedge("inspect", tiny_bundle_path, "--json").out)
    assert record.pop("bundle_sha256") == open_bundle(tiny_bundle_path).sha256
    assert record == json.loads((tiny_bundle_path / "bundle.json").read_text())


def test_a_bare_bundle_is_shown_without_empty_tables(saliedge, tmp_path):
    tiny_graphs.write_bundle(
        tmp_path / "t.edge",
        gates=(),
        quantization=(),
        operating_points=(),
        metrics={},
        provenance={},
        features=None,
    )
    end = saliedge("inspect", tmp_path / "t.edge")
    assert end.code == 0
    assert "gate" not in end.out
    assert "operating" not in end.out


def test_nested_provenance_is_flattened(saliedge, tmp_path):
    provenance = {"split": {"seed": 7, "fractions": [0.8, 0.1, 0.1]}}
    tiny_graphs.write_bundle(tmp_path / "t.edge", provenance=provenance)
    out = saliedge("inspect", tmp_path / "t.edge", "--all").out
    assert "split.seed       " in out
    assert "[0.8, 0.1, 0.1]" in out


def test_figures_have_six_digits(saliedge, tmp_path):
    tiny_graphs.write_bundle(tmp_path / "t.edge", metrics={"loss": 0.012266148923713445})
    assert "loss  0.0122661\n" in saliedge("inspect", tmp_path / "t.edge").out


def test_a_missing_bundle_is_one_sentence(saliedge, tmp_path):
    end = saliedge("inspect", tmp_path / "none.edge")
    assert end.code == 4
    assert end.err.count("\n") == 1
