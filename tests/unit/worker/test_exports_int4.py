"""Files with weights in four bits, run by the runtime of the boards."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pytest
from tensorflow.lite.python import schema_py_generated as schema
from tensorflow.lite.tools import flatbuffer_utils

from edgepress_common.errors import BrokenPromiseError, StepFailedError
from edgepress_common.promises import KeptPromise, LayerPromise
from edgepress_common.steps import ExportStep
from edgepress_worker.compression.grids import grid_scales
from edgepress_worker.exports import StoredNetwork, run_export
from edgepress_worker.exports.checks import check_promise
from edgepress_worker.exports.exporter import FilePromise
from edgepress_worker.keras_environment import keras
from edgepress_worker.tflite.file import TfliteFile
from edgepress_worker.tflite.weights import pack_int4, unpack_int4
from fakes.preactivation_network import coloured_pack, preactivation_network
from fakes.small_network import saved, small_network
from fakes.step_context import PlainContext

if TYPE_CHECKING:
    from pathlib import Path

    from edgepress_common.results import ExportResult

PACK = coloured_pack(24)


def exported(
    network: Any, folder: Path, *promises: LayerPromise, kind: str = "int4", **parameters: Any
) -> tuple[Path, ExportResult]:
    """The file of a network."""
    context = PlainContext(folder)
    step = ExportStep.model_validate({"export": {"kind": kind, "representative_images": 24} | parameters, "seed": 1})
    outputs, result = run_export(step, PACK, StoredNetwork(saved(network, folder), promises), context)
    return context.store.local_path(outputs["tflite"].sha256), result


def answers(content: bytes, *, delegated: bool) -> npt.NDArray[np.int8]:
    """The outputs of a file for all images, by LiteRT's own kernels or by XNNPACK's."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    kernels = OpResolverType.AUTO if delegated else OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    interpreter = Interpreter(model_content=content, num_threads=1, experimental_op_resolver_type=kernels)
    interpreter.allocate_tensors()
    (entry,), (end,) = interpreter.get_input_details(), interpreter.get_output_details()
    scale, zero_point = entry["quantization"]
    found = []
    for image in PACK.validation.images:
        codes = np.clip(np.rint(image / scale) + zero_point, -128, 127).astype(np.int8)
        interpreter.set_tensor(entry["index"], codes[np.newaxis])
        interpreter.invoke()
        found.append(interpreter.get_tensor(end["index"])[0].copy())
    return np.array(found)


def widened(content: bytes) -> bytes:
    """The same file with a byte for each code."""
    tables = schema.ModelT.InitFromPackedBuf(content)
    for tensor in tables.subgraphs[0].tensors:
        if tensor.type == schema.TensorType.INT4:
            codes = unpack_int4(tables.buffers[tensor.buffer].data, int(np.prod(tensor.shape)))
            tensor.type, tensor.buffer = schema.TensorType.INT8, len(tables.buffers)
            tables.buffers.append(schema.BufferT(data=codes.view(np.uint8)))
    return bytes(flatbuffer_utils.convert_object_to_bytearray(tables))


@pytest.mark.slow
@pytest.mark.parametrize("network", [preactivation_network, small_network], ids=["normalized", "depthwise"])
def test_four_bits_compute_what_a_byte_with_the_same_codes_does(network: Any, tmp_path: Path) -> None:
    """Bit for bit, in convolutions and dense layers; the weights take half of the bytes."""
    undecided = network()
    classifier = undecided.get_layer("classifier")
    logits = keras.Model(undecided.input, classifier.input)(PACK.train.images.astype(np.float32)).numpy()
    classifier.set_weights([each / logits.std() for each in classifier.get_weights()])
    path, result = exported(undecided, tmp_path)
    content = path.read_bytes()
    contents = TfliteFile.parse(content)
    types = {each.operators[0].name: contents.model.tensors[each.tensor].type for each in contents.weights}
    assert {name: kind for name, kind in types.items() if name != "DEPTHWISE_CONV_2D"} == {
        "CONV_2D": "int4",
        "FULLY_CONNECTED": "int4",
    }
    assert types.get("DEPTHWISE_CONV_2D", "int8") == "int8"
    packed = [each for each in contents.weights if each.operators[0].name != "DEPTHWISE_CONV_2D"]
    stored = [contents.model.tensors[each.tensor].content for each in packed]
    sizes = [each.nbytes for each in stored if each is not None]
    assert sizes == [-(-each.codes.size // 2) for each in packed]
    assert all(np.abs(each.codes).max() <= 7 for each in packed)
    assert KeptPromise(kind="weight_bits", promised=4, found=4, layers=len(packed)) in result.promises
    assert not result.float_operators
    found = answers(content, delegated=False)
    assert np.array_equal(found, answers(widened(content), delegated=False))
    assert len(np.unique(found, axis=0)) > 1
    # XNNPACK multiplies scales in float, LiteRT's kernels in integers: by both, the answers differ by a few codes.
    by_xnnpack = answers(content, delegated=True)
    assert np.abs(by_xnnpack.astype(int) - found).max() <= 4


def test_four_bits_represent_the_rounded_weights(tmp_path: Path) -> None:
    """Each weight is a code times the scale of its channel, at most half a scale from the weight in float."""
    network = small_network()
    path, _ = exported(network, tmp_path)
    contents = TfliteFile.read(path)
    stored = {each.codes.shape: each for each in contents.weights}
    kernel = network.get_layer("pointwise").get_weights()[0]
    weights = stored[1, 160, 1, 8] if (1, 160, 1, 8) in stored else stored[160, 1, 1, 8]
    scales = np.array(contents.model.tensors[weights.tensor].scales)
    values = weights.codes.reshape(160, 8) * scales[:, np.newaxis]
    wanted = kernel.reshape(8, 160).T
    clipped = np.clip(wanted, -7 * scales[:, np.newaxis], 7 * scales[:, np.newaxis])
    assert np.abs(values - clipped).max() <= scales.max() / 2 + 1e-6


@pytest.mark.slow
def test_zeros_of_a_pruned_network_are_zeros_in_four_bits(tmp_path: Path) -> None:
    """The promise of the stage is verified in the packed codes, also with AdaRound."""

    def mostly_zero(kernel: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        return kernel * (np.random.default_rng(2).random(kernel.shape) < 0.2)

    promise = LayerPromise(layer="pointwise", sparsity=0.75)
    calibration = {"rounding": "adaround", "rounding_steps": 30}
    path, result = exported(small_network(mostly_zero), tmp_path, promise, calibration=calibration)
    assert result.promises[0].kind == "sparsity"
    assert result.promises[0].found >= 0.75
    assert path.stat().st_size == result.dense_size_bytes


def test_a_file_with_more_bits_breaks_the_promise(tmp_path: Path) -> None:
    """An int8 file is not an int4 file."""
    path, _ = exported(small_network(), tmp_path, kind="int8")
    with pytest.raises(BrokenPromiseError, match="have 8 bits; at most 4 were asked for"):
        check_promise(FilePromise("int8", "int8", weight_bits=4), TfliteFile.read(path).model)


@pytest.mark.parametrize("count", [1, 2, 7, 16])
def test_codes_are_unpacked_as_they_were_packed(count: int) -> None:
    """All codes from -8 to 7, in an odd or even number, the first one in the lower half of the first byte."""
    codes = (np.arange(count, dtype=np.int8) * 5 + 3) % 16 - 8
    packed = pack_int4(codes)
    assert packed.nbytes == -(-count // 2)
    assert packed[0] & 15 == codes[0] % 16
    assert np.array_equal(unpack_int4(packed, count), codes)


def test_scales_are_found_from_the_weights() -> None:
    """The largest scale that fits, for channels that do not use all codes; other weights are refused."""
    scales = np.array([0.1, 0.013, 2.5, 1.0], np.float32)
    codes = np.array([[7, -3, 1, 0], [-5, 3, 2, 1], [2, -4, 0, 6], [0, 0, 0, 0]])
    wanted = scales * [1, 1, 2, 1]
    assert np.allclose(grid_scales((codes * scales[:, np.newaxis]).astype(np.float32), 7), wanted)
    with pytest.raises(StepFailedError, match="1 of 1 channels do not lie on a grid of 15 values"):
        grid_scales(np.array([[1.0, 0.61803]], np.float32), 7)
