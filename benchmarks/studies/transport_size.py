"""How small a bundle is on its way to a device: packed to its bits, or as an archive compresses it.

    python -m benchmarks.studies.transport_size w8.edge w4.edge w2.edge

For the plain ONNX graph of each bundle, whose weights lie in whole bytes: its size, its size if
every weight took as many bits as it has values, and its size under gzip and xz; and the same of the
whole bundle as ``tar`` makes it.
"""

from __future__ import annotations

import gzip
import io
import lzma
import math
import tarfile
from collections.abc import Sequence
from pathlib import Path

import click
import numpy as np
import onnx
from onnx import numpy_helper

from edge_runtime.bundle import open_bundle
from edge_runtime.command_settings import SETTINGS
from edge_runtime.errors import run_command
from edge_runtime.reporting.text_table import text_table

__all__ = ["transport_size"]

_HEAD = ("what", "kB", "packed", "gzip -9", "xz -9")


def packed_bytes(model: bytes) -> int:
    """Bytes of a graph whose int8 weights take as many bits as they have different values."""
    saved = 0
    for tensor in onnx.load_model_from_string(model).graph.initializer:
        if tensor.data_type == onnx.TensorProto.INT8:
            values = numpy_helper.to_array(tensor)
            bits = max(1, math.ceil(math.log2(max(2, len(np.unique(values))))))
            saved += values.size - math.ceil(values.size * bits / 8)
    return len(model) - saved


def _archive(folder: Path) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        archive.add(folder, arcname=folder.name)
    return stream.getvalue()


def _row(name: str, data: bytes, packed: str) -> list[str]:
    sizes = (len(gzip.compress(data, 9)), len(lzma.compress(data, preset=9)))
    return [name, f"{len(data) / 1e3:.0f}", packed, *(f"{size / 1e3:.0f}" for size in sizes)]


@click.command(context_settings=SETTINGS)
@click.argument("bundles", nargs=-1, required=True, type=click.Path(path_type=Path))
def transport_size(bundles: Sequence[Path]) -> None:
    """Print the sizes of BUNDLES."""
    rows = []
    for path in bundles:
        bundle = open_bundle(path)
        model = bundle.graph("int8", "onnx")[1]
        inner = {site.bits for site in bundle.spec.quantization}
        name = f"{path.name} ({min(inner)} bit)"
        rows.append(_row(f"{name}: int8.onnx", model, f"{packed_bytes(model) / 1e3:.0f}"))
        rows.append(_row(f"{name}: all of it", _archive(path), ""))
    click.echo(text_table(_HEAD, rows))


if __name__ == "__main__":
    run_command(transport_size, None, name="transport_size")
