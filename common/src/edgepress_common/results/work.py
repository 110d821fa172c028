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
        values: Number of values that the operators read and write, without weights.
    """

    kind: OperatorKind
    calls: int
    macs: int
    weights: int
    values: int
