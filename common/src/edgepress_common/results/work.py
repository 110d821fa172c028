"""The work of a network's operators, which its latency is predicted from."""

from typing import Literal

from edgepress_common.frozen import Message

OperatorKind = Literal["convolution", "pointwise", "depthwise", "dense", "elementwise", "pooling"]


class OperatorWork(Message):
    """The work of all operators of one kind in an inference.

    Attributes:
        kind: Kind of the operators. ``pointwise``: convolutions with a window of 1x1; ``elementwise``: additions,
            activations and normalizations that are not part of another operator.
        calls: Number of operators.
        macs: Multiply-accumulate operations.
        weights: Number of weights that these multiply.
        weight_traffic: Sum over the operators of the number of their weights to the power of 1.5: the more weights an
            operator has, the larger the share of them that no cache keeps from one inference to the next.
        values: Number of values that the operators read and write, without weights.
    """

    kind: OperatorKind
    calls: int
    macs: int
    weights: int
    weight_traffic: int = 0
    values: int
