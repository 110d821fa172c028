"""Checks of an exported file."""

from pathlib import Path

import numpy as np
import pytest

from edgepress_common.errors import BrokenPromiseError
from edgepress_worker.exports.checks import check_inference, check_promise
from edgepress_worker.exports.exporter import FilePromise
from edgepress_worker.tflite.float_operators import count_by_name, float_operators
from edgepress_worker.tflite.model import Operator, Tensor, TfliteModel

_INT8 = FilePromise(input_type="int8", output_type="int8", integers_only=True)


def _chain(*types: str, names: tuple[str, ...]) -> TfliteModel:
    """Tensors t0, t1, ... of the given types, each made from the one before by the operator of the given name."""
    return TfliteModel(
        tensors=tuple(Tensor(name=f"t{index}", shape=(1, 4), type=kind) for index, kind in enumerate(types)),
        operators=tuple(Operator(name, (index,), (index + 1,)) for index, name in enumerate(names)),
        inputs=(0,),
        outputs=(len(types) - 1,),
    )


def test_integers_throughout_keep_the_promise() -> None:
    """A file without a float in it passes, which is told."""
    (kept,) = check_promise(_INT8, _chain("int8", "int8", "int8", names=("CONV_2D", "SOFTMAX")))
    assert (kept.kind, kept.promised, kept.found) == ("float_operators", 0, 0)


def test_conversion_at_the_border_is_not_float_arithmetic() -> None:
    """Floats that are quantized on the way in and back on the way out don't count."""
    model = _chain("float32", "int8", "int8", "float32", names=("QUANTIZE", "CONV_2D", "DEQUANTIZE"))
    assert float_operators(model) == ()
    check_promise(FilePromise("float32", "float32", integers_only=True), model)


def test_floats_in_between_break_the_promise_and_are_named() -> None:
    """A detour through floats is refused: which operators, where, and what can be done."""
    model = _chain("int8", "float32", "float32", "int8", "int8", names=("DEQUANTIZE", "ADD", "QUANTIZE", "SOFTMAX"))
    assert count_by_name(float_operators(model)) == {"ADD": 1, "DEQUANTIZE": 1, "QUANTIZE": 1}
    with pytest.raises(BrokenPromiseError, match=r"3 of its 4 operators \(1 ADD, 1 DEQUANTIZE, 1 QUANTIZE; at t2\)"):
        check_promise(_INT8, model)


def test_floats_are_accepted_without_a_promise() -> None:
    """The same file passes for an export that may compute on floats."""
    model = _chain("int8", "float32", "float32", "int8", "int8", names=("DEQUANTIZE", "ADD", "QUANTIZE", "SOFTMAX"))
    assert check_promise(FilePromise(input_type="int8", output_type="int8"), model) == ()


@pytest.mark.parametrize(
    ("types", "words"), [(("uint8", "int8"), "input is uint8"), (("int8", "int16"), "output is int16")]
)
def test_a_border_of_another_type_breaks_the_promise(types: tuple[str, str], words: str) -> None:
    """Input and output have the type that was asked for, or the file is refused."""
    with pytest.raises(BrokenPromiseError, match=f"{words}; int8 was asked for"):
        check_promise(_INT8, _chain(*types, names=("CONV_2D",)))


def test_a_file_that_is_none_does_not_load(tmp_path: Path) -> None:
    """Bytes that are no .tflite are refused with the interpreter's reason."""
    path = tmp_path / "model.tflite"
    path.write_bytes(b"no flatbuffer at all")
    with pytest.raises(BrokenPromiseError, match="does not run"):
        check_inference(path, np.zeros((16, 16, 3), np.uint8), classes=3)
