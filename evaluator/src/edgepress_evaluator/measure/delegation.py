"""Finds the operators of a file that run in a delegate.

The runtime does not report them. It lists the operators of the file, followed by one node per group that a
delegate runs, with the input and output tensors of the group (including constants). They are therefore computed:

1. From each output tensor of such a node, go back to the operator that produces it: it is part of the group.
2. Continue from that operator's inputs, except for tensors that are inputs of the group.

The log line ``Created TensorFlow Lite XNNPACK delegate`` is not sufficient: it appears even if the delegate runs
nothing.
"""

from collections.abc import Iterable, Sequence
from typing import TypedDict

_DELEGATE = "DELEGATE"  # the interpreter's name for such a node


class OperatorDetails(TypedDict):
    """A node as the interpreter reports it (only the keys that are needed here)."""

    index: int
    op_name: str
    inputs: Iterable[int]
    outputs: Iterable[int]


def delegated_indices(operators: Sequence[OperatorDetails]) -> set[int]:
    """Return the indices of the file's operators that delegates run."""
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
    return taken


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
