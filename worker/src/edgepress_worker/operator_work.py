"""The work of a Keras network's operators, by kind, as the runtime carries them out.

Layers are counted as the converter writes them: a normalization is folded into the convolution or dense layer before
it, and ReLU is part of the operator before it. Padding is part of the convolution after it. Everything else that is
computed counts as an elementwise operator.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from math import prod

from edgepress_common.results import OperatorKind, OperatorWork
from edgepress_worker.keras_cost import kernel_size
from edgepress_worker.keras_environment import keras
from edgepress_worker.keras_graph import IDLE_LAYERS, MULTIPLYING_LAYERS, Call, Layer, calls

_layers = keras.layers
_MOVING_LAYERS = (*IDLE_LAYERS, _layers.Flatten, _layers.Reshape, _layers.ZeroPadding2D)
_POOLING_LAYERS = (
    _layers.MaxPooling2D,
    _layers.AveragePooling2D,
    _layers.GlobalAveragePooling2D,
    _layers.GlobalMaxPooling2D,
)
_SUMS = (_layers.Add, _layers.Subtract, _layers.Multiply)
_RELU6 = 6.0
_TRAFFIC = 1.5  # see `OperatorWork`; of 1, 1.5 and 2, it predicts ResNet18 best
_OPERATORS_OF_NORMALIZATION = 2  # a multiplication and an addition
_NORMALIZATION = _layers.BatchNormalization


def operator_work(network: keras.Model) -> tuple[OperatorWork, ...]:
    """Return the work of a functional network's operators, one entry for each kind that it has, sorted by kind."""
    return total_work(map(work_of, operators(calls(network))))


def total_work(parts: Iterable[OperatorWork]) -> tuple[OperatorWork, ...]:
    """Return the sum of works, one entry for each kind, sorted by kind."""
    found: dict[OperatorKind, OperatorWork] = {}
    for work in parts:
        before = found.get(work.kind, OperatorWork(kind=work.kind, calls=0, macs=0, weights=0, values=0))
        found[work.kind] = OperatorWork(
            kind=work.kind,
            calls=before.calls + work.calls,
            macs=before.macs + work.macs,
            weights=before.weights + work.weights,
            weight_traffic=before.weight_traffic + work.weight_traffic,
            values=before.values + work.values,
        )
    return tuple(found[kind] for kind in sorted(found))


def operators(graph: Sequence[Call]) -> Iterator[Call]:
    """Yield the calls that are operators of their own, in the order of the data flow.

    Args:
        graph: The calls of a network.
    """
    uses = Counter(number for call in graph for number in call.inputs)
    made_by: dict[int, Layer] = {}  # the layer whose operator computes a tensor, and can include the layer after it
    for call in graph:
        if not call.inputs:
            continue
        source = made_by.get(call.inputs[0]) if uses[call.inputs[0]] == 1 else None
        is_folded = isinstance(call.layer, _NORMALIZATION) and isinstance(source, MULTIPLYING_LAYERS)
        if is_folded or isinstance(call.layer, _MOVING_LAYERS) or _is_linear(call.layer):
            if source is not None:
                made_by[call.output] = source
        elif not (_is_relu(call.layer) and isinstance(source, (*MULTIPLYING_LAYERS, *_SUMS, _NORMALIZATION))):
            made_by[call.output] = call.layer
            yield call


def work_of(call: Call) -> OperatorWork:
    """Return the work of an operator; it depends on the call's shapes, not on the layer's weights."""
    values = sum(map(prod, call.input_shapes)) + prod(call.output_shape)
    if isinstance(call.layer, MULTIPLYING_LAYERS):
        weights = kernel_size(call.layer, call.input_shapes[0][-1], call.output_shape[-1])
        macs = weights * prod(call.output_shape[:-1])
        return OperatorWork(
            kind=_kind(call.layer),
            calls=1,
            macs=macs,
            weights=weights,
            weight_traffic=round(weights**_TRAFFIC),
            values=values,
        )
    if isinstance(call.layer, _POOLING_LAYERS):
        return OperatorWork(kind="pooling", calls=1, macs=0, weights=0, values=values)
    number = _OPERATORS_OF_NORMALIZATION if isinstance(call.layer, _NORMALIZATION) else 1
    return OperatorWork(kind="elementwise", calls=number, macs=0, weights=0, values=number * values)


def _kind(layer: Layer) -> OperatorKind:
    if isinstance(layer, _layers.Dense):
        return "dense"
    if isinstance(layer, _layers.DepthwiseConv2D):
        return "depthwise"
    return "pointwise" if prod(layer.kernel_size) == 1 else "convolution"


def _is_relu(layer: Layer) -> bool:
    if isinstance(layer, _layers.ReLU):
        return float(layer.negative_slope) == 0 and (layer.max_value is None or float(layer.max_value) == _RELU6)
    return isinstance(layer, _layers.Activation) and layer.activation.__name__ in {"relu", "relu6"}


def _is_linear(layer: Layer) -> bool:
    return isinstance(layer, _layers.Activation) and layer.activation.__name__ == "linear"
