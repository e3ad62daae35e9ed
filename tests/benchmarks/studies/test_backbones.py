"""The study of backbones tells what each export leaves in float and outside XNNPACK."""

from __future__ import annotations

from benchmarks.studies.backbones import measure
from benchmarks.studies.partitions import delegated_partitions
from export.lower import lower, lower_float
from export.tflite_format.emitter import emit_tflite
from tests.networks import NETWORKS, quantized, random_images

IMAGES = random_images(4, 16, 16)


def test_a_network_gets_a_row_for_each_graph():
    *rows, cost = measure("small_cnn", 32)
    assert [row.split("|")[2:5] for row in rows] == [
        [" plain ", " 0 ", " 0 "],
        [" gradient ", " 0 ", " 0 "],
        [" gradient-early ", " 0 ", " 0 "],
        [" cam ", " 0 ", " 0 "],
    ]
    assert " s, at most " in cost


def test_what_xnnpack_does_not_take_is_named():
    network = quantized(NETWORKS["max_pool_signed"](), IMAGES)
    found = delegated_partitions(emit_tflite(lower(network)))
    # It has no padding with another number than zero.
    assert (found.count, found.outside) == (2, ("PADV2",))


def test_a_network_of_kernels_that_it_takes_is_one_part():
    network = quantized(NETWORKS["max_pool"](), IMAGES)
    found = delegated_partitions(emit_tflite(lower(network)))
    assert (found.count, found.outside) == (1, ())
    in_float = delegated_partitions(emit_tflite(lower_float(network)))
    assert in_float.count == 1
