"""A bundle that is damaged or forged in any way is refused with a sentence, or read as it was.

Damage is drawn at random and piled up: bytes, lengths, names, links, pipes, the record's values.
What comes out is the exported bytes or a SaliedgeError, never another error and never a byte from
outside.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge_runtime import open_bundle
from edge_runtime.errors import SaliedgeError
from edge_runtime.files import sha256_bytes

SECRET = b"a secret outside of the bundle"
NAMES = ["../secret", "/etc/passwd", "a/../../secret", "sub/../../secret", "..", "link/secret",
         "C:\\secret", "\0", "int8.onnx", "bundle.json", "bundle.sig", "x" * 200]  # fmt: skip
_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.just(10**400)
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(NAMES),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)


def _flip(draw, path):
    data = bytearray(path.read_bytes())
    if data:
        data[draw(st.integers(0, len(data) - 1))] ^= 1 << draw(st.integers(0, 7))
        path.write_bytes(data)


def _cut(draw, path):
    data = path.read_bytes()
    path.write_bytes(data[: draw(st.integers(0, len(data)))])


def _grow(draw, path):
    path.write_bytes(path.read_bytes() + draw(st.binary(max_size=50)))


def _remove(_draw, path):
    path.unlink()


def _link_out(_draw, path):
    path.unlink()
    path.symlink_to(path.parent.parent / "secret")


def _folder(_draw, path):
    path.unlink()
    path.mkdir()


def _pipe(_draw, path):
    path.unlink()
    os.mkfifo(path)


def _swap(draw, path):
    others = [other for other in path.parent.iterdir() if other.is_file() and other != path]
    if others:
        shutil.copyfile(draw(st.sampled_from(sorted(others))), path)


FILE_DAMAGE = [_flip, _cut, _grow, _remove, _link_out, _folder, _pipe, _swap]


def _damage_file(draw, folder):
    files = sorted(path for path in folder.iterdir() if path.is_file() and not path.is_symlink())
    if files:
        draw(st.sampled_from(FILE_DAMAGE))(draw, draw(st.sampled_from(files)))


def _forge_record(draw, folder):
    """Change values of the record, then list the files as they are now: hashes that fit."""
    path = folder / "bundle.json"
    if not path.is_file() or path.is_symlink():
        return
    try:
        record = json.loads(path.read_bytes())
    except (ValueError, OSError):
        return
    place = record
    while isinstance(place, dict | list) and place:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        key = draw(st.sampled_from(keys))
        if not isinstance(place[key], dict | list) or draw(st.booleans()):
            place[key] = draw(_JSON)
            break
        place = place[key]
    _list_files(draw, folder, record)
    path.write_text(json.dumps(record))


def _list_files(draw, folder, record):
    files = record.get("files") if isinstance(record, dict) else None
    if not isinstance(files, dict):
        return
    if draw(st.booleans()):
        files[draw(st.sampled_from(NAMES))] = {
            "sha256": sha256_bytes(SECRET),
            "bytes": draw(st.sampled_from([len(SECRET), 0, 10**18])),
        }
    for found in folder.iterdir():
        if found.is_file() and found.name != "bundle.json" and not found.is_symlink():
            data = found.read_bytes()
            files[found.name] = {"sha256": sha256_bytes(data), "bytes": len(data)}


def _use(folder):
    """Everything that a runtime reads of a bundle."""
    bundle = open_bundle(folder)
    results = [bundle.verify_files(), bundle.sha256]
    for action in (
        *(lambda name=name: bundle.read_file(name) for name in bundle.spec.files),
        *(
            lambda name=name: bundle.read_array(name)
            for name in bundle.spec.files
            if name.endswith(".npy")
        ),
        *(
            lambda graph=graph: bundle.graph(graph.precision, graph.format, graph.saliency)
            for graph in bundle.spec.graphs
        ),
        bundle.read_signature,
    ):
        try:
            results.append(action())
        except SaliedgeError as error:
            assert "\n" not in str(error)
    return results


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_pile_of_damage_is_refused_or_harmless(tiny_bundle_path, data):
    with tempfile.TemporaryDirectory() as root:
        (Path(root) / "secret").write_bytes(SECRET)
        folder = Path(shutil.copytree(tiny_bundle_path, Path(root) / "copy.edge"))
        for damage in data.draw(
            st.lists(st.sampled_from([_damage_file, _forge_record]), min_size=1, max_size=4)
        ):
            damage(data.draw, folder)
        try:
            results = _use(folder)
        except SaliedgeError as error:
            assert "\n" not in str(error)
            return
        for result in results:
            content = result[1] if isinstance(result, tuple) else result
            assert not (isinstance(content, bytes) and SECRET in content)


@pytest.mark.parametrize("size", [(8 << 20) + 1, 1 << 40])
def test_an_oversized_record_is_not_read(tiny_bundle_path, tmp_path, size):
    folder = shutil.copytree(tiny_bundle_path, tmp_path / "copy.edge")
    os.truncate(folder / "bundle.json", size)  # sparse: a terabyte takes no room
    with pytest.raises(SaliedgeError, match="at most"):
        open_bundle(folder)


def test_a_file_listed_with_a_huge_size_takes_no_memory(tiny_bundle_path, tmp_path):
    folder = shutil.copytree(tiny_bundle_path, tmp_path / "copy.edge")
    record = json.loads((folder / "bundle.json").read_text())
    record["files"]["int8.onnx"]["bytes"] = 10**18
    (folder / "bundle.json").write_text(json.dumps(record))
    with pytest.raises(SaliedgeError, match="not the file that was exported"):
        open_bundle(folder).graph()
    assert not open_bundle(folder).verify_files().passed
