"""Which operators of a .tflite file compute on floats.

An operator does if a float goes into it or comes out of it. Left out are the two that make a file with integer
arithmetic take and give floats: QUANTIZE right behind an input, DEQUANTIZE right before an output. A device without
floats does without them; the same pair anywhere else has float arithmetic between them.

By this measure every operator of a ``dynamic`` file is one: its convolutions multiply int8 codes, but take and give
floats, and need a processor that has them.
"""

from collections import Counter

from edgepress_worker.tflite.model import Operator, TfliteModel

_FLOAT_TYPES = frozenset({"float16", "bfloat16", "float32", "float64"})


def float_operators(model: TfliteModel) -> tuple[Operator, ...]:
    """The operators that compute on floats, in the order in which they run."""
    return tuple(
        operator for operator in model.operators if _touches_floats(operator, model) and not _at_border(operator, model)
    )


def count_by_name(operators: tuple[Operator, ...]) -> dict[str, int]:
    """How many of each there are, by name."""
    return dict(sorted(Counter(operator.name for operator in operators).items()))


def _touches_floats(operator: Operator, model: TfliteModel) -> bool:
    touched = (*operator.inputs, *operator.outputs)
    return any(model.tensors[tensor].type in _FLOAT_TYPES for tensor in touched if tensor is not None)


def _at_border(operator: Operator, model: TfliteModel) -> bool:
    match operator.name:
        case "QUANTIZE":
            return operator.inputs[0] in model.inputs
        case "DEQUANTIZE":
            return operator.outputs[0] in model.outputs
        case _:
            return False
