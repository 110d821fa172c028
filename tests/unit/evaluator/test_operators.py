"""The operators of a file: arithmetic, types, delegation."""

from pathlib import Path

import pytest

from edgepress_evaluator.measure.interpreter import Classifier
from edgepress_evaluator.measure.kernels import Arithmetic, Kernel
from edgepress_evaluator.measure.operators import FileOperator, operator_groups

TILE = Kernel("a kernel", 16, 4)


def _tile_of(_: Arithmetic) -> Kernel:
    return TILE


def _convolution(*, outputs: int = 10, inputs: int = 3, places: int = 100, delegated: bool = True) -> FileOperator:
    shape = (outputs, 3, 3, inputs)
    return FileOperator(
        "CONV_2D", "int8", "int8", shape, delegated, outputs * 9 * inputs * places, outputs * 9 * inputs, places
    )


@pytest.mark.parametrize(("model", "delegated"), [("tiny_int8", 6), ("tiny_float32", 7), ("tiny_int16", 0)])
def test_operators_of_a_file_with_their_types(models: Path, model: str, delegated: int) -> None:
    """A convolution on 32x32 images and a dense layer, and which of all operators are delegated."""
    operators = Classifier(models / f"{model}.tflite", threads=1).operators()

    assert sum(each.delegated for each in operators) == delegated
    multiplying = [each for each in operators if each.weights is not None]
    kind = model.removeprefix("tiny_")
    assert {each.types for each in multiplying} == {
        {"int16": "int16 x int8"}.get(kind, f"{kind} x {kind}"),
    }
    assert all(each.arithmetic == ("float32" if kind == "float32" else "int8") for each in multiplying)
    for each in multiplying:
        assert each.macs >= each.weight_bytes / (4 if kind == "float32" else 1)
        assert each.activation_bytes > 0
    assert all(each.macs == each.weight_bytes == 0 for each in operators if each.weights is None)


def test_groups_have_the_arithmetic_that_tiles_add() -> None:
    """10 outputs of 3 inputs are computed as 16 of 4; the group without delegation has no kernel."""
    some = [_convolution(), _convolution(outputs=16, inputs=4), FileOperator("ADD", "int8", None, (), True, 0, 0, 0)]

    convolutions, additions = operator_groups(some, _tile_of)

    assert (convolutions.operator, convolutions.types, convolutions.count, convolutions.delegated) == (
        "CONV_2D",
        "int8 x int8",
        2,
        2,
    )
    assert convolutions.macs == 900 * (30 + 64)
    assert convolutions.tile_macs == 900 * (64 + 64)
    assert convolutions.kernel == "a kernel"
    assert (additions.types, additions.macs, additions.tile_macs, additions.kernel) == ("int8", 0, None, None)
    (left,) = operator_groups([_convolution(delegated=False)], _tile_of)
    assert (left.delegated, left.tile_macs, left.kernel) == (0, None, None)


def test_without_a_known_tile_nothing_is_said_about_it() -> None:
    """The kernel is named, though."""
    (group,) = operator_groups([_convolution()], lambda _: Kernel("wide"))

    assert (group.tile_macs, group.kernel) == (None, "wide")
