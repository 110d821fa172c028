"""The cost and the work of a network without some channels, without building it."""

from dataclasses import replace
from math import prod

import numpy as np
import numpy.typing as npt

from edgepress_common.results import OperatorWork
from edgepress_worker.channels.flow import Flow
from edgepress_worker.keras_cost import LayerCost, kernel_size
from edgepress_worker.keras_graph import MULTIPLYING_LAYERS, Call
from edgepress_worker.operator_work import operators, total_work, work_of


class PrunedCost:
    """The cost of the layers of a network without some of its channels, counted as in `keras_cost`.

    Args:
        flow: The channels of the network.
    """

    def __init__(self, flow: Flow) -> None:
        self._flow = flow
        self._calls = [call for call in flow.calls if isinstance(call.layer, MULTIPLYING_LAYERS)]

    def layers(self, kept: npt.NDArray[np.bool_]) -> tuple[LayerCost, ...]:
        """Return the cost of each layer.

        Args:
            kept: Whether each channel is kept, by its number.
        """
        costs: dict[str, LayerCost] = {}
        for call in self._calls:
            name, (made, weights) = call.layer.name, self._size(call, kept)
            before = costs[name].macs if name in costs else 0
            costs[name] = LayerCost(name, made, before + weights * prod(call.output_shape[:-1]), weights)
        return tuple(costs.values())

    def _size(self, call: Call, kept: npt.NDArray[np.bool_]) -> tuple[int, int]:
        """Return the number of a layer's output channels and of its weights."""
        channels = self._flow.channels
        made, taken = (int(kept[channels[number]].sum()) for number in (call.output, call.inputs[0]))
        return made, kernel_size(call.layer, taken, made)


class PrunedWork:
    """The work of the operators of a network without some of its channels, counted as in `operator_work`.

    Args:
        flow: The channels of the network.
    """

    def __init__(self, flow: Flow) -> None:
        self._flow = flow
        self._operators = tuple(operators(flow.calls))  # layers stay, so the same ones are operators

    def work(self, kept: npt.NDArray[np.bool_]) -> tuple[OperatorWork, ...]:
        """Return the work, one entry for each kind of operator.

        Args:
            kept: Whether each channel is kept, by its number.
        """
        left = {number: int(np.count_nonzero(kept[each])) for number, each in self._flow.channels.items()}
        return total_work(work_of(_narrowed(call, left)) for call in self._operators)


def _narrowed(call: Call, left: dict[int, int]) -> Call:
    """Return a call with fewer channels.

    Args:
        call: The call.
        left: Number of channels that each tensor has left, by its number.
    """
    inputs = zip(call.inputs, call.input_shapes, strict=True)
    return replace(
        call,
        input_shapes=tuple((*shape[:-1], left[number]) for number, shape in inputs),
        output_shape=(*call.output_shape[:-1], left[call.output]),
    )
