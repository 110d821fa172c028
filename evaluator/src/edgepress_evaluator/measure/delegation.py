"""Which operators of a file run in a delegate.

The runtime doesn't say. It lists the file's operators as they were, and after them one node for each group that a
delegate took over, with the tensors that go in and come out of the group (constants included). So:

1. From each tensor that comes out of such a node, go back to the operator that makes it: it is of the group.
2. Go on from that operator's inputs, except where they are tensors that go into the group.

The line ``Created TensorFlow Lite XNNPACK delegate`` in the log proves nothing: it also comes when nothing is taken.
"""

from collections.abc import Iterable, Sequence
from typing import TypedDict

_DELEGATE = "DELEGATE"  # as the interpreter names the node


class OperatorDetails(TypedDict):
    """What the interpreter tells of a node (of its keys, those needed here)."""

    index: int
    op_name: str
    inputs: Iterable[int]
    outputs: Iterable[int]


def count_delegated(operators: Sequence[OperatorDetails]) -> int:
    """How many operators of the file were taken over by delegates."""
    made_by = {
        int(tensor): operator
        for operator in operators
        if operator["op_name"] != _DELEGATE
        for tensor in operator["outputs"]
    }
    taken: set[int] = set()
    for group in operators:
        if group["op_name"] == _DELEGATE:
            taken |= _group_members(group, made_by)
    return len(taken)


def _group_members(group: OperatorDetails, made_by: dict[int, OperatorDetails]) -> set[int]:
    seen = {int(tensor) for tensor in group["inputs"]}
    tensors = [int(tensor) for tensor in group["outputs"]]
    members = set()
    while tensors:
        tensor = tensors.pop()
        if tensor in seen or tensor not in made_by:
            continue
        seen.add(tensor)
        members.add(made_by[tensor]["index"])
        tensors.extend(int(source) for source in made_by[tensor]["inputs"])
    return members
