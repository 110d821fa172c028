"""The arithmetic and the weights of a .tflite file: multiply-accumulate operations, and their constants.

Only operators that multiply an input by weights are counted: convolutions (grouped ones too), depthwise and transposed
convolutions, and dense layers. This is how the literature counts: normalizations are folded into these operators, and
additions, activations and pooling are left out. A weight that is zero counts as any other: the usual kernels multiply
by it. Biases are not counted: the converter adds zeros to convolutions without one, and leaves zeros out of dense
layers, so that their number says more about the converter than about the network.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

from edgepress_worker.tflite.model import Operator, TfliteModel
from edgepress_worker.tflite.weights import stored_constant


@dataclass(frozen=True)
class _Layout:
    """Where an operator has its inputs, from the layouts in TFLite's schema.

    Attributes:
        weights: Position of the weights: ``(out, height, width, in of the group)``, depthwise
            ``(1, height, width, out)``, dense ``(out, in)``.
        visited: Position of the input with the places where all weights are applied; None if these are the places of
            the output.
    """

    weights: int = 1
    visited: int | None = None


_LAYOUTS = {
    "CONV_2D": _Layout(),
    "DEPTHWISE_CONV_2D": _Layout(),
    "FULLY_CONNECTED": _Layout(),
    # Its inputs begin with the shape of the output, and each place of its input is multiplied by all weights.
    "TRANSPOSE_CONV": _Layout(visited=2),
}


@dataclass(frozen=True)
class OperatorCost:
    """The cost of an operator that multiplies by weights.

    Attributes:
        operator: The operator.
        macs: Multiply-accumulate operations of one inference: number of weights times places that they are applied at.
        weights: Number of its weights.
        stored: Index of the tensor that stores the weights; None if they are computed.
    """

    operator: Operator
    macs: int
    weights: int
    stored: int | None


def operator_costs(model: TfliteModel) -> Iterator[OperatorCost]:
    """Yield the cost of each operator that multiplies by weights, in the order in which they run.

    Args:
        model: A file whose input is one image.
    """
    for operator in model.operators:
        layout = _LAYOUTS.get(operator.name)
        if layout is None:
            continue
        kernel = operator.inputs[layout.weights]
        visited = operator.outputs[0] if layout.visited is None else operator.inputs[layout.visited]
        assert kernel is not None
        assert visited is not None
        weights = prod(model.tensors[kernel].shape)
        yield OperatorCost(
            operator,
            macs=weights * prod(model.tensors[visited].shape[:-1]),
            weights=weights,
            stored=stored_constant(model, kernel),
        )


def count_macs(model: TfliteModel) -> int:
    """Return the number of multiply-accumulate operations of one inference."""
    return sum(cost.macs for cost in operator_costs(model))


def count_weights(model: TfliteModel) -> int:
    """Return the number of weights, without biases; weights that several operators share are counted once."""
    return sum({cost.stored: cost.weights for cost in operator_costs(model) if cost.stored is not None}.values())
