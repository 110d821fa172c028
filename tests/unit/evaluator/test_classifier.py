"""The interpreter as a classifier: what goes in, what comes out, what is refused."""

from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

from edgepress_common.errors import BrokenPromiseError
from edgepress_evaluator.measure.interpreter import Classifier, pixel_table
from fakes.tiny_images import tiny_images

ALL_MODELS = ["tiny_float32", "tiny_int8", "tiny_uint8", "tiny_int16"]


def test_float_input_takes_pixel_values_as_they_are() -> None:
    """0 to 255, as float32: the network's own first layers scale them."""
    table = pixel_table(np.float32, 0.0, 0)

    assert table.dtype == np.float32
    assert table.tolist() == list(range(256))


@pytest.mark.parametrize(
    ("dtype", "scale", "zero_point", "pixel", "quantized"),
    [
        (np.int8, 1.0, -128, 0, -128),
        (np.int8, 1.0, -128, 255, 127),
        (np.uint8, 0.5, 0, 10, 20),
        (np.int16, 0.25, 0, 255, 1020),
        (np.uint8, 2.0, 0, 5, 2),  # 2.5 goes to the even neighbour
        (np.uint8, 2.0, 0, 7, 4),  # so does 3.5
        (np.uint8, 2.0, 1, 5, 3),  # rounded first, the zero point added after
        (np.int8, 0.5, 0, 200, 127),  # clipped
        (np.int8, 0.5, -200, 0, -128),
    ],
)
def test_integer_input_is_quantized(
    dtype: type[np.generic], scale: float, zero_point: int, pixel: int, quantized: int
) -> None:
    """Values use the tensor's scale and zero point, are rounded half to even, and are clipped to the type's range."""
    table = pixel_table(dtype, scale, zero_point)

    assert table.dtype == dtype
    assert table[pixel] == quantized


@pytest.mark.parametrize(("dtype", "scale"), [(np.int32, 1.0), (np.float16, 0.0), (np.int8, 0.0)])
def test_input_of_another_kind_is_refused(dtype: type[np.generic], scale: float) -> None:
    """No export has such an input tensor."""
    with pytest.raises(BrokenPromiseError, match="accepted: float32"):
        pixel_table(dtype, scale, 0)


@pytest.mark.parametrize("name", ALL_MODELS)
def test_predictions_equal_those_of_a_plain_script(models: Path, name: str) -> None:
    """A few lines over the bare interpreter find the same classes, most of them right."""
    images, labels = tiny_images(60, seed=3)
    classifier = Classifier(models / f"{name}.tflite", threads=1)
    predictions = [int(classifier.classify(image).argmax()) for image in classifier.prepare(images)]

    interpreter = Interpreter(model_path=str(models / f"{name}.tflite"))
    interpreter.allocate_tensors()
    source, target = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    scale, zero_point = source["quantization"]
    expected = []
    for image in images.astype(np.float32):
        typed = np.round(image / scale) + zero_point if scale else image
        interpreter.set_tensor(source["index"], typed[np.newaxis].astype(source["dtype"]))
        interpreter.invoke()
        expected.append(int(interpreter.get_tensor(target["index"]).argmax()))

    assert predictions == expected
    assert np.mean(predictions == labels) > 0.6


@pytest.mark.parametrize(
    ("name", "delegated"), [("tiny_float32", 7), ("tiny_int8", 6), ("tiny_uint8", 6), ("tiny_int16", 0)]
)
def test_delegate_takes_what_it_has_kernels_for(models: Path, name: str, delegated: int) -> None:
    """All seven operators as float; not the int8 softmax (nor the two that convert uint8); no int16 ones."""
    operators = Classifier(models / f"{name}.tflite", threads=1).operators()
    assert sum(each.delegated for each in operators) == delegated


@pytest.mark.parametrize("content", [b"", b"no flatbuffer at all" * 100])
def test_file_that_is_not_a_model_is_refused(tmp_path: Path, content: bytes) -> None:
    """The runtime's own reason is passed on."""
    path = tmp_path / "model.tflite"
    path.write_bytes(content)

    with pytest.raises(BrokenPromiseError, match=r"can't run model\.tflite: .+"):
        Classifier(path, threads=1)


def test_cut_model_is_refused(tmp_path: Path, models: Path) -> None:
    """Half a file is noticed before it is run."""
    content = (models / "tiny_int8.tflite").read_bytes()
    path = tmp_path / "model.tflite"
    path.write_bytes(content[: len(content) // 2])

    with pytest.raises(BrokenPromiseError):
        Classifier(path, threads=1)
