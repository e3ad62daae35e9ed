"""Whether another converter accepts our ONNX graphs, and what its result computes.

    python -m benchmarks.peers.third_party first.edge --onnx2tf ENVIRONMENT/bin/onnx2tf

onnx2tf (an environment of its own: it needs TensorFlow) turns a copy of the bundle's plain graph
and of its float reference into TFLite. The float32 results are run on the golden images in LiteRT,
and their logits are compared with those of ONNX Runtime for the graph that was converted.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from benchmarks.peers.post_training import calibration_images
from edge_runtime.bundle import Bundle, Reference, open_bundle, open_reference, reference_path
from edge_runtime.command_settings import SETTINGS
from edge_runtime.engines import open_engine
from edge_runtime.errors import GateError, run_command

__all__ = ["third_party"]

# What it would fetch from the network otherwise: pictures to infer shapes with.
_SAMPLES = "calibration_image_sample_data_20x128x128x3_float32.npy"


def convert(model: bytes, converter: Path, folder: Path) -> Path:
    """Convert an ONNX graph; returns the float32 TFLite file.

    Raises:
        GateError: The converter refuses it; the sentence has its last line.
    """
    source = folder / "graph.onnx"  # a copy: onnx2tf writes its simplified graph back
    source.write_bytes(model)
    pictures = np.random.default_rng(0).random((20, 128, 128, 3), np.float32)
    np.save(folder / _SAMPLES, pictures)
    # -kat: the image is NHWC already, and is not to be transposed.
    ended = subprocess.run(
        [str(converter), "-i", str(source), "-o", "out", "-n", "-kat", "image"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    file = folder / "out/graph_float32.tflite"
    if ended.returncode or not file.is_file():
        said = (ended.stderr or ended.stdout).strip().splitlines()
        raise GateError(f"onnx2tf refuses it ({said[-1][:300] if said else 'it said nothing'})")
    return file


def tflite_logits(model: Path, images: NDArray[np.uint8], classes: int) -> NDArray[np.float32]:
    """Return the logits ``[N, C]`` of a TFLite model for images uint8 ``[N, H, W, 3]``."""
    interpreter: Any = import_module("ai_edge_litert.interpreter").Interpreter(
        str(model), num_threads=1
    )
    interpreter.allocate_tensors()
    (taken,) = interpreter.get_input_details()
    (given,) = (
        one for one in interpreter.get_output_details() if tuple(one["shape"]) == (1, classes)
    )
    found = []
    for image in images:
        interpreter.set_tensor(taken["index"], image[None].astype(taken["dtype"]))
        interpreter.invoke()
        found.append(interpreter.get_tensor(given["index"])[0])
    return np.stack(found)


def compare(path: Path, converter: Path) -> Iterator[str]:
    """Yield a sentence about each of the two graphs."""
    bundle = open_bundle(path)
    images = calibration_images(bundle)
    folders: dict[str, Bundle | Reference] = {
        "int8": bundle,
        "float32": open_reference(reference_path(path)),
    }
    for precision, folder in folders.items():
        graph, model = folder.graph(precision, "onnx")
        with open_engine("onnx", folder, "none", 1, precision) as engine:
            expected = np.stack([engine.run(image[None]).logits for image in images])
        with tempfile.TemporaryDirectory(prefix="saliedge-peers-") as place:
            try:
                file = convert(model, converter.absolute(), Path(place))
            except GateError as error:
                yield f"{graph.file}: {error}."
                continue
            found = tflite_logits(file, images, expected.shape[1])
        difference = np.abs(found - expected).max() / np.ptp(expected)
        agreeing = int((found.argmax(axis=1) == expected.argmax(axis=1)).sum())
        yield (
            f"{graph.file}: accepted; on {len(images)} golden images the logits differ by up to "
            f"{difference:.2%} of their range, {agreeing} of {len(images)} top classes agree."
        )


@click.command(context_settings=SETTINGS)
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option(
    "--onnx2tf",
    "converter",
    required=True,
    type=click.Path(path_type=Path, exists=True),
    help="The program in its environment.",
)
def third_party(bundle: Path, converter: Path) -> None:
    """Convert the ONNX graphs of BUNDLE and its reference by onnx2tf and compare the logits."""
    for sentence in compare(bundle, converter):
        click.echo(sentence)


if __name__ == "__main__":
    run_command(third_party, None, name="third_party")
