"""Contents of a .tflite file, compared with the Keras model that it was made from."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
import pytest

from edgepress_common.errors import StepFailedError
from edgepress_worker.exports.calibration import Calibration
from edgepress_worker.exports.converter import convert, make_converter
from edgepress_worker.keras_environment import keras, tf
from edgepress_worker.tflite.model import Operator, Tensor, TfliteModel, read_tflite
from edgepress_worker.tflite.weights import StoredWeights, read_weights, sparsity
from fakes.small_network import CLASSES, SIDE, Kernel, small_network, small_pack
from fakes.step_context import PlainContext

_DEFAULT = [tf.lite.Optimize.DEFAULT]
_SPARSE = tf.lite.Optimize.EXPERIMENTAL_SPARSITY


def _written(network: Any, folder: Path, **settings: Any) -> TfliteModel:
    """Return the contents of the file that the converter writes with these settings."""
    converter = make_converter(network, SIDE)
    for name, value in settings.items():
        setattr(converter, name, value)
    path = folder / "model.tflite"
    path.write_bytes(convert(converter, "test", path.parent))
    return read_tflite(path)


def _written_int8(network: Any, folder: Path, *optimizations: Any) -> TfliteModel:
    dataset = Calibration(small_pack().train, 1, PlainContext(folder)).dataset(4)
    return _written(network, folder, representative_dataset=dataset, optimizations=[*_DEFAULT, *optimizations])


def _kernels(network: Any) -> list[Kernel]:
    """The network's kernels in TFLite's layouts: output channels first, last for the depthwise one."""
    kernels = [layer.get_weights()[0] for layer in network.layers if layer.weights]
    return [kernel.T if kernel.ndim == 2 else kernel.transpose(3, 0, 1, 2) for kernel in kernels]


def _mostly_zero(kernel: Kernel) -> Kernel:
    """Keeps one value in ten."""
    return kernel * (np.random.default_rng(2).random(kernel.shape) < 0.1)


def _mostly_zero_by_blocks(kernel: Kernel) -> Kernel:
    """Keeps one in ten groups of four inputs that lie side by side, which is what TFLite's float kernels like."""
    if kernel.ndim == 4 and kernel.shape[:2] != (1, 1):
        return kernel
    kept = np.random.default_rng(2).random((kernel.shape[-2] // 4, kernel.shape[-1])) < 0.1
    return kernel * np.repeat(kept, 4, axis=0)


def test_operators_and_borders(tmp_path: Path) -> None:
    """The network's operators are counted by name; one image goes in, probabilities come out."""
    model = _written(small_network(), tmp_path)
    counts = model.operator_counts()
    assert (counts["CONV_2D"], counts["DEPTHWISE_CONV_2D"], counts["FULLY_CONNECTED"], counts["SOFTMAX"]) == (
        2,
        1,
        1,
        1,
    )
    (entry,), (end,) = model.inputs, model.outputs
    assert (model.tensors[entry].shape, model.tensors[entry].type) == ((1, SIDE, SIDE, 3), "float32")
    assert model.tensors[end].shape == (1, len(CLASSES))
    producer = model.producer(end)
    assert producer is not None
    assert producer.name == "SOFTMAX"
    assert model.producer(entry) is None


def test_float_weights_are_those_of_the_model(tmp_path: Path) -> None:
    """Each kernel has the same values, in the order of the layers."""
    network = small_network()
    weights = list(read_weights(_written(network, tmp_path)))
    assert [layer.operators[0].name for layer in weights] == [
        "CONV_2D",
        "DEPTHWISE_CONV_2D",
        "CONV_2D",
        "FULLY_CONNECTED",
    ]
    for layer, kernel in zip(weights, _kernels(network), strict=True):
        assert np.array_equal(layer.codes, kernel)
        assert layer.unique_count() == len(np.unique(kernel))


def test_float16_weights_are_found_behind_their_widening(tmp_path: Path) -> None:
    """A float16 file's weights are what is stored, not what the DEQUANTIZE before each operator makes of it."""
    network = small_network()
    target = tf.lite.TargetSpec(supported_types=[tf.float16])
    weights = list(read_weights(_written(network, tmp_path, optimizations=_DEFAULT, target_spec=target)))
    for layer, kernel in zip(weights, _kernels(network), strict=True):
        assert np.array_equal(layer.codes, kernel.astype(np.float16))


def test_int8_keeps_a_layers_few_values_within_each_channel(tmp_path: Path) -> None:
    """Four values a layer are at most four codes in a channel, though each channel has a scale of its own."""
    values = np.array([-0.5, -0.1, 0.2, 0.4], np.float32)
    network = small_network(lambda kernel: values[np.abs(kernel[..., np.newaxis] - values).argmin(axis=-1)])
    for layer in read_weights(_written_int8(network, tmp_path)):
        assert layer.codes.dtype == np.int8
        assert layer.unique_count_per_channel().max() <= 4
    first = next(read_weights(_written(network, tmp_path)))
    assert first.unique_count_per_channel().shape == (8,)
    assert first.unique_count() == first.unique_count_per_channel().max() == 4


def test_zeros_stay_zeros_in_int8(tmp_path: Path) -> None:
    """Quantization keeps a pruned network's zeros, and may round a few small weights to zero besides."""
    pruned = small_network(_mostly_zero)
    in_float = sparsity(list(read_weights(_written(pruned, tmp_path))))
    in_int8 = sparsity(list(read_weights(_written_int8(pruned, tmp_path))))
    assert 0.85 < in_float <= in_int8 < in_float + 0.01


@pytest.mark.parametrize(
    ("prune", "in_blocks"), [(_mostly_zero, False), (_mostly_zero_by_blocks, True)], ids=["scattered", "blocks"]
)
def test_zeros_that_are_not_stored_are_filled_in(
    prune: Callable[[Kernel], Kernel], in_blocks: bool, tmp_path: Path
) -> None:
    """A sparse file stores fewer values, and has the same weights as the dense one."""
    network = small_network(prune)
    sparse = _written(network, tmp_path, optimizations=[_SPARSE])
    encodings = [tensor.sparse_encoding for tensor in sparse.tensors if tensor.sparse_encoding is not None]
    assert encodings
    assert any(encoding.blocked_dimensions for encoding in encodings) == in_blocks
    for layer, kernel in zip(read_weights(sparse), _kernels(network), strict=True):
        assert np.array_equal(layer.codes, kernel)


def test_sparse_int8_equals_plain_int8(tmp_path: Path) -> None:
    """The codes of a quantized file are the same whether its zeros are stored or not."""
    network = small_network(_mostly_zero)
    plain, sparse = (list(read_weights(_written_int8(network, tmp_path, *extra))) for extra in ((), (_SPARSE,)))
    for one, other in zip(plain, sparse, strict=True):
        assert np.array_equal(one.codes, other.codes)


def test_a_layer_used_twice_counts_once(tmp_path: Path) -> None:
    """Weights that two operators share are one tensor of weights."""
    image = keras.Input((SIDE, SIDE, 3))
    shared = keras.layers.Conv2D(3, 3, padding="same")
    pooled = keras.layers.GlobalAveragePooling2D()(shared(keras.layers.ReLU()(shared(image))))
    model = _written(keras.Model(image, keras.layers.Softmax()(pooled)), tmp_path)
    assert model.operator_counts()["CONV_2D"] == 2
    assert len(list(read_weights(model))) == 1


def test_layers_of_equal_weights_count_each() -> None:
    """Two tensors that lie in one buffer, because their bytes are equal, are the weights of two layers."""
    content = np.array([0, 1, 2, 0], np.int8).view(np.uint8)
    constant = [Tensor(name=name, shape=(1, 4), type="int8", content=content) for name in ("a", "b")]
    flow = [Tensor(name=f"t{index}", shape=(1, 4), type="int8") for index in range(3)]
    model = TfliteModel(
        tensors=(*flow, *constant),
        operators=(Operator("FULLY_CONNECTED", (0, 3, None), (1,)), Operator("FULLY_CONNECTED", (1, 4, None), (2,))),
        inputs=(0,),
        outputs=(2,),
    )
    weights = list(read_weights(model))
    assert [model.tensors[layer.tensor].name for layer in weights] == ["a", "b"]
    assert sparsity(weights) == 0.5


def test_zero_is_what_the_zero_point_says() -> None:
    """Where a channel's zero point is not 0, its code represents zero."""
    codes = np.array([[0, 5, 5], [0, 5, 0]], np.uint8)
    weights = StoredWeights(tensor=0, operators=(), codes=codes, zero_codes=np.array([[5], [0]]), channel_axis=0)
    assert weights.zero_count() == 4


def test_weights_of_a_type_not_understood_are_refused() -> None:
    """int2 packs four codes into a byte: better no figure than a wrong one."""
    weights = Tensor(name="dense/kernel", shape=(1, 4), type="int2", content=np.zeros(1, np.uint8))
    flow = Tensor(name="t", shape=(1, 4), type="int8")
    model = TfliteModel((flow, weights), (Operator("FULLY_CONNECTED", (0, 1, None), (0,)),), (0,), (0,))
    with pytest.raises(StepFailedError, match="'dense/kernel' are stored as int2; understood are int4, float32"):
        list(read_weights(model))


def test_a_file_without_weights_has_no_sparsity() -> None:
    """Without weights to count the sparsity is 0, not an error."""
    assert sparsity([]) == 0


def test_several_subgraphs_are_refused(tmp_path: Path) -> None:
    """A file with control flow is refused rather than read in part."""
    from tensorflow.lite.python import schema_py_generated as schema

    file = schema.ModelT()
    file.version, file.subgraphs = 3, [schema.SubGraphT(), schema.SubGraphT()]
    builder = flatbuffers.Builder(64)
    builder.Finish(file.Pack(builder), b"TFL3")
    path = tmp_path / "model.tflite"
    path.write_bytes(bytes(builder.Output()))
    with pytest.raises(StepFailedError, match="2 subgraphs"):
        read_tflite(path)


@pytest.mark.parametrize("seed", range(20))
def test_float16_values_are_counted_right(seed: int) -> None:
    """The reference is Python's count; np.unique is wrong in numpy 2.4.6 on processors with AVX512_ICL."""
    random = np.random.default_rng(seed)
    values = random.normal(0, 0.3, 40).astype(np.float16)
    codes = random.choice(
        np.concatenate([values, np.array([0.0, -0.0], np.float16)]), (16, 3, 3, int(random.integers(2, 40)))
    )
    weights = StoredWeights(tensor=0, operators=(), codes=codes, zero_codes=np.zeros(1, np.int64), channel_axis=0)

    assert weights.unique_count() == len(set(codes.reshape(-1).tolist()))
    assert weights.unique_count_per_channel().tolist() == [len(set(channel.reshape(-1).tolist())) for channel in codes]
