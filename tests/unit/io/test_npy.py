"""The reader of NPY and NPZ files gives what NumPy gives, and refuses all but plain arrays."""

import io

import numpy as np
import pytest

from recover.io import FileError
from recover.io.npy import read_npy, read_npz

DTYPES = ["<f8", ">f8", "<f4", ">f2", "<c16", ">c8", "|b1", "|u1", "<i8", ">i4", "<u2", "<U7",
          "|S3", "<M8[s]", "<m8[10ns]"]  # fmt: skip
SHAPES = [(), (1,), (0,), (5,), (3, 4), (2, 0, 3), (2, 3, 4), (1, 1, 1, 2)]


def encoded(array, version=None):
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, np.asanyarray(array), version=version, allow_pickle=False)
    return buffer.getvalue()


def back(data):
    return read_npy(io.BytesIO(data), len(data), "a.npy")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("order", "CF")
def test_arrays_come_back(dtype, shape, order):
    rng = np.random.default_rng(0)
    array = np.array(rng.integers(0, 2, shape), order=order).astype(dtype, order=order)
    for version in ((1, 0), (2, 0), (3, 0)):
        data = encoded(array, version)
        found, expected = back(data), np.load(io.BytesIO(data))
        assert found.dtype == expected.dtype
        assert found.shape == expected.shape
        np.testing.assert_array_equal(found, expected)
        assert found.flags.writeable


@pytest.mark.parametrize(
    "header",
    [
        "{'descr': '<f8', 'fortran_order': False, 'shape': (2, 4), }",
        "{'shape': (2, 4), 'fortran_order': False, 'descr': '<f8'}",
        '{"descr":"<f8","fortran_order":False,"shape":(2,4)}',
        "{'descr': '<f8', 'fortran_order': False, 'shape': (2L, 4L), }",
        "  {'descr' : '<f8' , 'fortran_order' : False , 'shape' : ( 2 , 4 ) } ",
    ],
)
def test_headers_of_other_writers(header):
    array = np.arange(8.0).reshape(2, 4)
    text = header.encode() + b"\n"
    data = b"\x93NUMPY\1\0" + len(text).to_bytes(2, "little") + text + array.tobytes()
    np.testing.assert_array_equal(back(data), array)


def test_what_is_no_plain_array_is_refused():
    buffer = io.BytesIO()
    np.save(buffer, np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(FileError, match="objects are never loaded"):
        back(buffer.getvalue())
    with pytest.raises(FileError, match="not that of a plain array"):
        back(encoded(np.zeros(3, dtype=[("a", "f8"), ("b", "i4")])))
    whole = encoded(np.arange(100.0))
    with pytest.raises(FileError, match=r"800 bytes of float64 \(100,\) are promised, 799 are"):
        back(whole[:-1])
    for end in range(len(whole) - 800):
        with pytest.raises(FileError, match=r"a\.npy"):
            back(whole[:end])


def test_a_file_shorter_than_was_said():
    whole = encoded(np.arange(100.0))
    with pytest.raises(FileError, match=r"a\.npy is truncated"):
        read_npy(io.BytesIO(whole[:-8]), len(whole), "a.npy")


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_archives(save):
    arrays = {"a": np.arange(6).reshape(2, 3), "b": np.asfortranarray(np.eye(3)), "c": 1.5}
    buffer = io.BytesIO()
    save(buffer, **arrays)
    found, others = read_npz(buffer, "a.npz")
    assert others == []
    assert list(found) == list(arrays)
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array)
    found, others = read_npz(buffer, "a.npz", {"b"}.__contains__)
    assert (list(found), others) == (["b"], ["a", "c"])


def test_an_archive_that_unpacks_to_too_much():
    buffer = io.BytesIO()
    np.savez_compressed(buffer, a=np.zeros(2**27 + 1, np.uint8))
    assert len(buffer.getvalue()) < 200_000
    with pytest.raises(FileError, match="made to exhaust memory"):
        read_npz(buffer, "a.npz")
