"""Finding the operators that a delegate took."""

from edgepress_evaluator.measure.delegation import OperatorDetails, delegated_indices


def _operator(index: int, inputs: list[int], outputs: list[int], name: str = "CONV_2D") -> OperatorDetails:
    return OperatorDetails(index=index, op_name=name, inputs=inputs, outputs=outputs)


def test_without_a_delegate_nothing_is_taken() -> None:
    """A list of plain operators has no group."""
    assert delegated_indices([_operator(0, [0, 9], [1]), _operator(1, [1], [2])]) == set()


def test_group_reaches_from_its_outputs_back_to_its_inputs() -> None:
    """The middle two of four consecutive operators are in the group: its input is the output of the first."""
    row = [_operator(index, [index], [index + 1]) for index in range(4)]

    assert delegated_indices([*row, _operator(4, [1], [3], "DELEGATE")]) == {1, 2}


def test_operator_that_two_outputs_need_counts_once() -> None:
    """A fork inside the group is walked from both ends."""
    fork = [_operator(0, [0], [1]), _operator(1, [1], [2]), _operator(2, [1], [3])]

    assert delegated_indices([*fork, _operator(3, [0], [2, 3], "DELEGATE")]) == {0, 1, 2}


def test_several_groups_add_up() -> None:
    """Two delegated stretches around one operator that stays."""
    row = [_operator(index, [index, -1], [index + 1]) for index in range(3)]
    groups = [_operator(3, [0], [1], "DELEGATE"), _operator(4, [2], [3], "DELEGATE")]

    assert delegated_indices([*row, *groups]) == {0, 2}
