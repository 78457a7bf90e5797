"""Reading weights: names, pairs, and files that are something else."""

import pickle
import sys

import numpy as np
import pytest

from recover.core.errors import MissingExtraError
from recover.io.errors import FileError
from recover.io.weights import read_tensors

RNG = np.random.default_rng(0)
W, B = RNG.standard_normal((4, 3)), RNG.standard_normal(4)


def saved(path, **arrays):
    np.savez(path, **arrays)
    return path


@pytest.mark.parametrize(
    ("weight", "bias"),
    [
        ("W", "b"),
        ("W1", "b1"),
        ("weights", "biases"),
        ("weight", "bias"),
        ("fc1.weight", "fc1.bias"),
        ("net/0/weight", "net/0/bias"),
        ("weight_3", "bias_3"),
        ("Weight", "BIAS"),
    ],
)
def test_pairs_by_name(tmp_path, weight, bias):
    (layer,) = read_tensors(saved(tmp_path / "a.npz", **{weight: W, bias: B})).layers()
    assert layer.name == weight
    assert np.array_equal(layer.weights, W)
    assert np.array_equal(layer.bias, B)


def test_kernels_are_stored_the_other_way_round(tmp_path):
    path = saved(tmp_path / "a.npz", **{"dense/kernel:0": W.T, "dense/bias:0": B})
    (layer,) = read_tensors(path).layers()
    assert np.array_equal(layer.weights, W)
    assert np.array_equal(layer.bias, B)


def test_natural_order_and_missing_bias(tmp_path):
    arrays = {f"fc{k}.weight": W for k in (10, 2, 1)} | {"fc2.bias": B, "step": np.array(3)}
    layers = read_tensors(saved(tmp_path / "a.npz", **arrays)).layers()
    assert [layer.name for layer in layers] == ["fc1.weight", "fc2.weight", "fc10.weight"]
    assert [layer.bias is None for layer in layers] == [True, False, True]


def test_bias_of_another_size(tmp_path):
    path = saved(tmp_path / "a.npz", W=W, b=np.zeros(3))
    with pytest.raises(FileError, match=r"b has shape .*4 neurons"):
        read_tensors(path).layers()


def test_no_pairs_lists_the_tensors(tmp_path):
    path = saved(tmp_path / "a.npz", scale=np.ones(3), conv=np.ones((2, 2, 3, 3)))
    with pytest.raises(FileError, match="conv 2x2x3x3, scale 3"):
        read_tensors(path).layers()


def test_objects_are_never_loaded(tmp_path):
    path = tmp_path / "a.npz"
    np.savez(path, W=np.array([{"a": 1}], dtype=object))
    with pytest.raises(FileError, match="objects are never loaded"):
        read_tensors(path)
    raw = tmp_path / "b.npz"
    raw.write_bytes(pickle.dumps({"W": 1}))
    with pytest.raises(FileError, match="not an NPZ file"):
        read_tensors(raw)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("missing.npz", None, "does not exist"),
        ("a.pt", b"x", "must end in .npz or .safetensors"),
        ("a", b"x", "no ending"),
        ("a.npz", b"", "not an NPZ file"),
    ],
)
def test_other_files(tmp_path, name, content, message):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(FileError, match=message):
        read_tensors(path)


def test_missing_extra_names_the_command(tmp_path, monkeypatch):
    path = tmp_path / "a.safetensors"
    path.write_bytes(b"x")
    monkeypatch.setitem(sys.modules, "safetensors", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'recover\[nn\]'"):
        read_tensors(path)


def test_safetensors(tmp_path):
    numpy_api = pytest.importorskip("safetensors.numpy")
    path = tmp_path / "a.safetensors"
    numpy_api.save_file({"fc.weight": W.astype(np.float32), "fc.bias": B}, path)
    (layer,) = read_tensors(path).layers()
    assert np.array_equal(layer.weights, W.astype(np.float32))
    assert np.array_equal(layer.bias, B)
    path.write_bytes(b"not safetensors at all")
    with pytest.raises(FileError, match="not a safetensors file"):
        read_tensors(path)


def test_safetensors_of_a_type_that_numpy_lacks(tmp_path):
    pytest.importorskip("safetensors")
    header = b'{"fc.weight":{"dtype":"BF16","shape":[1,1],"data_offsets":[0,2]}}'
    path = tmp_path / "a.safetensors"
    path.write_bytes(len(header).to_bytes(8, "little") + header + b"\0\0")
    with pytest.raises(FileError, match="convert to float32"):
        read_tensors(path)
