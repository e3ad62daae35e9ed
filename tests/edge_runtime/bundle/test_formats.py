"""Bytes from anywhere give an array, an object or ValueError: no other end, and little memory."""

from __future__ import annotations

import io
import json
import tracemalloc

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from edge_runtime.bundle.formats import read_json_object, read_npy

PLAIN = st.sampled_from([np.uint8, np.float32, np.int64, np.dtype(">f8"), np.bool_])


def _npy(array):
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()


def _with_header(text, content=b"", length=118):
    header = text.encode().ljust(length)[: length - 1] + b"\n"
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + content


@given(arrays.arrays(PLAIN, arrays.array_shapes(min_dims=0, max_dims=4, min_side=0)))
def test_arrays_come_back_as_they_were(array):
    for written in (array, np.array(array, order="F")):
        found = read_npy(_npy(written))
        assert found.dtype == array.dtype
        assert np.array_equal(found, array, equal_nan=array.dtype.kind == "f")


@settings(max_examples=300)
@given(data=st.data())
def test_damaged_arrays_are_refused_or_arrays(data):
    raw = bytearray(_npy(np.arange(12, dtype=np.float32).reshape(3, 4)))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(raw) - 1))
        if data.draw(st.booleans()):
            raw[at] ^= 1 << data.draw(st.integers(0, 7))
        else:
            del raw[at : at + data.draw(st.integers(1, 40))]
        if not raw:
            break
    try:
        assert isinstance(read_npy(bytes(raw)), np.ndarray)
    except ValueError as error:
        assert str(error)


@given(st.binary(max_size=300))
def test_noise_is_no_array(noise):
    with pytest.raises(ValueError, match="it"):
        read_npy(noise)


@pytest.mark.parametrize(
    "header",
    [
        "{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,)}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (-1,)}",
        "{'descr': '|O', 'fortran_order': False, 'shape': (1,)}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (True,)}",
        "((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((",
        "{'descr': [('a', '|O')], 'fortran_order': False, 'shape': (1,)}",
        "{'descr': '|V0', 'fortran_order': False, 'shape': (9,)}",
        "__import__('os').abort()",
    ],
)
def test_a_forged_header_is_refused_without_taking_memory(header):
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match="it"):
            read_npy(_with_header(header, b"\0" * 8))
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()


def test_the_second_version_of_the_format_is_read():
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, np.arange(3), version=(2, 0))
    assert read_npy(buffer.getvalue()).tolist() == [0, 1, 2]


BYTES = "{{'descr': '|u1', 'fortran_order': False, 'shape': {}}}"


def test_a_header_has_a_greatest_length_and_a_shape_a_greatest_number_of_sides():
    longest = _with_header(BYTES.format("(1,)"), b"\7", length=10_000)
    assert read_npy(longest).tolist() == [7]
    deepest = _with_header(BYTES.format((1,) * 32), b"\7", 200)
    assert read_npy(deepest).ndim == 32


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (_with_header(BYTES.format("(1,)"), b"\7", length=10_001), "cut off or too long"),
        (_with_header(BYTES.format("(1,)"))[:-1], "cut off or too long"),
        (_with_header(BYTES.format((1,) * 33), b"\7", 200), "its shape is none"),
        (_with_header(BYTES.format("[1]"), b"\7"), "its shape is none"),
        (_with_header("{'descr': '|u1', 'shape': (1,)}", b"\7"), "lacks something"),
        (_with_header("['descr', 'fortran_order', 'shape']", b"\7"), "lacks something"),
        (_with_header(BYTES.format("(1,"), b"\7"), "is damaged"),
        (_with_header(BYTES.format("(2,)"), b"\7"), "does not fit its shape"),
        (b"PK" + bytes(200), "does not begin like one"),
    ],
)
def test_a_refusal_says_what_is_wrong(data, reason):
    with pytest.raises(ValueError, match=reason):
        read_npy(data)


def test_pickles_are_refused():
    buffer = io.BytesIO()
    np.save(buffer, np.array([{"x": 1}], dtype=object))
    with pytest.raises(ValueError, match="something else than numbers"):
        read_npy(buffer.getvalue())


@given(st.binary(max_size=200))
@example(b"[" * 100_000)
@example(b'{"a":' * 50_000)
@example(b"\xff\xfe{}")
@example(b"1" * 5000)
def test_noise_is_an_object_or_refused(noise):
    try:
        assert isinstance(read_json_object(noise), dict)
    except ValueError as error:
        assert str(error)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"a": 1, "a": 2}', "twice"),
        ('{"x": {"a": 1, "a": 1}}', "twice"),
        ('{"a": NaN}', "NaN"),
        ('{"a": -Infinity}', "Infinity"),
        ("[]", "no JSON object"),
        ("{", "."),
        ("[" * 100_000, "nested too deeply"),
        ('{"a": "\xe4"}', "no UTF-8 text"),
    ],
)
def test_what_readers_could_take_differently_is_refused(text, reason):
    with pytest.raises(ValueError, match=reason):
        read_json_object(text.encode("latin-1"))


@given(st.dictionaries(st.text(), st.integers() | st.floats(allow_nan=False, allow_infinity=False)))
def test_objects_come_back_as_they_were(record):
    assert read_json_object(json.dumps(record).encode()) == record
