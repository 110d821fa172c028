"""Files with and without their zeros."""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt
import pytest

from edgepress_common.promises import LayerPromise
from edgepress_common.spec.export import Encoding
from edgepress_common.spec.exports import ExportKind
from edgepress_worker.coded.file import coded_file
from edgepress_worker.exports.encoding import EncodedFile
from edgepress_worker.exports.encoding import encode as encode_contents
from edgepress_worker.keras_environment import keras
from edgepress_worker.tflite.file import TfliteFile
from edgepress_worker.tflite.inference import infer
from edgepress_worker.tflite.model import read_tflite
from edgepress_worker.tflite.sparse_file import with_zeros_left_out
from edgepress_worker.tflite.weights import read_weights
from fakes.small_network import CLASSES, SIDE, Kernel, chain, small_network, small_pack, written

_KINDS: tuple[ExportKind, ...] = get_args(ExportKind)
_BOTH: tuple[Literal["dense", "sparse"], ...] = ("dense", "sparse")
_PRUNED = (LayerPromise(layer="wide", sparsity=0.9),)


def encode(path: Path, wanted: Encoding, promises: Sequence[LayerPromise]) -> EncodedFile:
    """A file as it is stored."""
    return encode_contents(path, TfliteFile.read(path), wanted, promises)


def _pruned(share: float) -> Callable[[Kernel], Kernel]:
    """Makes zeros of this share of the weights."""
    return lambda kernel: kernel * (np.random.default_rng(2).random(kernel.shape) >= share)


@pytest.fixture(scope="module")
def pruned(tmp_path_factory: pytest.TempPathFactory) -> dict[ExportKind, Path]:
    """A network with nine zeros in ten weights, as each kind of file."""
    folder = tmp_path_factory.mktemp("pruned")
    random = np.random.default_rng(8)
    shapes = {"stem": (3, 3, 3, 32), "wide": (3, 3, 32, 64), "narrow": (1, 1, 64, 32)}
    kernels = {name: random.normal(0, 0.1, shape).astype(np.float32) for name, shape in shapes.items()}
    network = chain({name: _pruned(0.9)(kernel) for name, kernel in kernels.items()}, normalized=True)
    return {kind: written(network, kind, folder) for kind in _KINDS}


@pytest.fixture
def dense(pruned: dict[ExportKind, Path], request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """One of them, in a folder of the test's own."""
    return Path(shutil.copy(pruned[request.param], tmp_path))


def _outputs(path: Path) -> npt.NDArray[np.float32]:
    return np.concatenate([infer(path, image).output for image in small_pack().train.images[:8]])


def _codes(path: Path) -> list[npt.NDArray[Any]]:
    return [layer.codes for layer in read_weights(read_tflite(path))]


@pytest.mark.slow
@pytest.mark.parametrize("dense", [kind for kind in _KINDS if kind not in {"dynamic", "int4"}], indirect=True)
def test_a_sparse_file_is_smaller_and_computes_the_same(dense: Path) -> None:
    """Its weights, with the zeros filled in, and what it says of eight images are those of the dense file."""
    file = encode(dense, "smallest", _PRUNED)
    assert file.encoding == "sparse"
    assert file.path != dense
    assert file.sparse is not None
    assert file.size == file.sparse
    assert file.size.size_bytes == file.path.stat().st_size < file.dense.size_bytes == dense.stat().st_size
    assert "DENSIFY" in read_tflite(file.path).operator_counts()
    for one, other in zip(_codes(file.path), _codes(dense), strict=True):
        assert np.array_equal(one, other)
    np.testing.assert_array_equal(_outputs(file.path), _outputs(dense))


@pytest.mark.parametrize("dense", ["dynamic", "int4"], indirect=True)
@pytest.mark.parametrize("wanted", ["smallest", "sparse"])
def test_some_files_are_always_dense(dense: Path, wanted: Encoding) -> None:
    """The runtime would not load others; a request for sparse encoding is not an error."""
    file = encode(dense, wanted, _PRUNED)
    assert (file.path, file.encoding, file.sparse) == (dense, "dense", None)


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "classifier_is_sparse"), [("float32", True), ("int8", False), ("int16x8", False)])
def test_dense_layers_of_integers_keep_their_zeros(
    kind: ExportKind, classifier_is_sparse: bool, tmp_path: Path
) -> None:
    """The runtime fills in zeros for convolutions of any type, for dense layers of floats alone."""
    file = encode(written(small_network(_pruned(0.9)), kind, tmp_path), "sparse", _PRUNED)
    model = read_tflite(file.path)
    sparse = [model.tensors[layer.tensor].sparse_encoding is not None for layer in read_weights(model)]
    first, depthwise, pointwise, classifier = sparse
    assert (first, depthwise, pointwise, classifier) == (True, False, True, classifier_is_sparse)


@pytest.mark.slow
@pytest.mark.parametrize("dense", ["float32", "int8"], indirect=True)
def test_the_file_that_is_sent_has_the_smaller_coded_file(dense: Path) -> None:
    """The larger file can be the smaller one to send; both restore the same weights."""
    lengths = {wanted: len(coded_file(encode(dense, wanted, _PRUNED).path.read_bytes())) for wanted in _BOTH}
    file = encode(dense, "smallest_to_send", _PRUNED)
    assert lengths["dense"] != lengths["sparse"]
    assert file.encoding == min(_BOTH, key=lambda wanted: lengths[wanted])


@pytest.mark.parametrize("dense", ["float32"], indirect=True)
def test_what_was_asked_for_is_stored_and_both_are_weighed(dense: Path) -> None:
    """A dense file stays dense if requested; the size of the sparse one is measured too."""
    file = encode(dense, "dense", _PRUNED)
    assert (file.path, file.encoding, file.size) == (dense, "dense", file.dense)
    assert file.sparse is not None
    assert file.sparse.size_bytes < file.dense.size_bytes
    assert file.sparse.zip_bytes < file.sparse.size_bytes


@pytest.mark.parametrize("dense", ["float32"], indirect=True)
@pytest.mark.parametrize("wanted", ["smallest", "sparse"])
@pytest.mark.parametrize("promises", [(), (LayerPromise(layer="first", clusters=4),)])
def test_a_network_that_was_not_pruned_is_dense(
    dense: Path, wanted: Encoding, promises: tuple[LayerPromise, ...]
) -> None:
    """Zeros without a promise are not counted."""
    file = encode(dense, wanted, promises)
    assert (file.path, file.encoding, file.sparse) == (dense, "dense", None)


def test_few_zeros_stay_in_the_file(tmp_path: Path) -> None:
    """Where no layer becomes smaller, there is no sparse file to choose."""
    file = encode(written(small_network(_pruned(0.1)), "float32", tmp_path), "sparse", _PRUNED)
    assert (file.encoding, file.sparse) == ("dense", None)


def test_a_pattern_is_pruning_too(tmp_path: Path) -> None:
    """A promised pattern, without a share of zeros, has the sparse file tried."""
    dense = written(small_network(_pruned(0.5)), "float32", tmp_path)
    assert encode(dense, "smallest", [LayerPromise(layer="wide", pattern="2:4")]).encoding == "sparse"


def test_a_layer_of_zeros_alone_stays_whole(tmp_path: Path) -> None:
    """A tensor without a byte would be no constant to the runtime; the file runs, and the layer's zeros are in it."""
    kernels = {"empty": np.zeros((3, 3, 3, 8), np.float32), "half": _pruned(0.5)(np.ones((3, 3, 8, 8), np.float32))}
    file = encode(written(chain(kernels), "float32", tmp_path), "sparse", _PRUNED)
    assert file.encoding == "sparse"
    np.testing.assert_array_equal(_outputs(file.path), _outputs(tmp_path / "float32.tflite"))


def test_a_layer_used_twice_is_filled_in_once(tmp_path: Path) -> None:
    """Two operators that share weights share the DENSIFY before the first of them."""
    image = keras.Input((SIDE, SIDE, 3))
    shared = keras.layers.Conv2D(3, 3, padding="same")
    flow = shared(keras.layers.ReLU()(shared(image)))
    shared.set_weights([_pruned(0.7)(shared.get_weights()[0]), np.zeros(3, np.float32)])
    pooled = keras.layers.GlobalAveragePooling2D()(flow)
    dense = written(keras.Model(image, keras.layers.Softmax()(pooled)), "float32", tmp_path)
    file = encode(dense, "sparse", _PRUNED)
    counts = read_tflite(file.path).operator_counts()
    assert (counts["CONV_2D"], counts["DENSIFY"]) == (2, 1)
    np.testing.assert_array_equal(_outputs(file.path), _outputs(dense))


def test_layers_of_equal_weights_are_both_encoded(tmp_path: Path) -> None:
    """Weights that the converter stores once serve both layers."""
    kernel = _pruned(0.7)(np.random.default_rng(3).normal(0, 0.1, (3, 3, 8, 8)).astype(np.float32))
    kernels = {"stem": np.ones((1, 1, 3, 8), np.float32), "one": kernel, "other": kernel}
    dense = written(chain(kernels), "float32", tmp_path)
    file = encode(dense, "sparse", _PRUNED)
    assert read_tflite(file.path).operator_counts()["DENSIFY"] == 1
    np.testing.assert_array_equal(_outputs(file.path), _outputs(dense))


def test_tensors_of_equal_bytes_do_not_lose_them_to_one_another(tmp_path: Path) -> None:
    """Weights of other shapes, that lie in one buffer because their bytes are the same, are encoded each."""
    kernel = _pruned(0.7)(np.random.default_rng(3).normal(0, 0.1, (3, 3, 8, 8)).astype(np.float32))
    kernels = {
        "stem": np.ones((1, 1, 3, 8), np.float32),
        "square": kernel,
        "widen": np.ones((1, 1, 8, 72), np.float32),
        "flat": kernel.reshape(1, 1, 72, 8),
    }
    dense = written(chain(kernels), "float32", tmp_path)
    file = encode(dense, "sparse", _PRUNED)
    assert read_tflite(file.path).operator_counts()["DENSIFY"] == 2
    np.testing.assert_array_equal(_outputs(file.path), _outputs(dense))


@pytest.mark.parametrize("dense", ["float16"], indirect=True)
def test_the_same_file_gives_the_same_bytes(dense: Path) -> None:
    """Encoding is repeatable, and a file that is sparse already is left alone."""
    file = TfliteFile.read(dense)
    sparse = with_zeros_left_out(file)
    assert sparse is not None
    assert sparse == with_zeros_left_out(file) == with_zeros_left_out(TfliteFile.read(dense))
    assert with_zeros_left_out(TfliteFile.parse(sparse)) is None


def test_the_outputs_compared_here_differ_from_image_to_image(pruned: dict[ExportKind, Path]) -> None:
    """Else equal outputs would mean little."""
    outputs = _outputs(pruned["float32"])
    assert outputs.shape == (8, len(CLASSES))
    assert len(np.unique(outputs, axis=0)) == 8
