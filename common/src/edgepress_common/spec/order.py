"""Validation of the order of stages.

The rules follow from the declarations of the methods: a stage that continues a network keeps some of its traits, and is
rejected if it would destroy another; a stage that creates a new network discards all traits.
"""

from collections.abc import Mapping, Sequence

from edgepress_common.spec.methods import METHODS, Stage
from edgepress_common.spec.network_state import NEW_NETWORK, TRAITS, NetworkState


def after(state: NetworkState, stage: Stage) -> NetworkState:
    """Return the traits of a network after a stage, given its traits before."""
    method = METHODS[stage.kind]
    if method.starts_network:
        return method.gives
    kept = {trait for trait, option in method.keeps.items() if _is_kept(stage, option, there=trait in state)}
    return method.gives | kept


def with_choices_made(stage: Stage, state: NetworkState) -> Stage:
    """Return the stage with explicit values for the traits that it keeps, where the spec has null."""
    options = {option: trait in state for trait, option in METHODS[stage.kind].keeps.items() if option is not None}
    left_open = {option: there for option, there in options.items() if getattr(stage, option) is None}
    return stage.model_copy(update=left_open)


def check_order(stages: Sequence[Stage]) -> NetworkState:
    """Check that each stage can follow the stages before it, and has an effect; return the traits after the last.

    Raises:
        ValueError: A stage can't; the message has its position, the reason, and what is accepted.
    """
    state = NEW_NETWORK
    done: dict[int, Stage] = {}  # stages of the current network, by position
    for position, stage in enumerate(stages):
        problem = (
            _not_first(position, stage)
            or _missing(stage, state)
            or _destroyed(stage, state)
            or _nothing_to_keep(stage, state)
            or _conflict(stage, done)
        )
        if problem is not None:
            raise ValueError(f"stages[{position}]{problem}")
        state = after(state, stage)
        done = {} if METHODS[stage.kind].starts_network else done | {position: stage}
    return state


def _is_kept(stage: Stage, option: str | None, *, there: bool) -> bool:
    asked = None if option is None else getattr(stage, option)
    return there if asked is None else asked


def _not_first(position: int, stage: Stage) -> str | None:
    if position == 0 or METHODS[stage.kind].takes is not None:
        return None
    return (
        f" is {stage.kind!r}, which would discard the stages before it; accepted: {stage.kind} as the first stage only"
    )


def _missing(stage: Stage, state: NetworkState) -> str | None:
    for trait in sorted(METHODS[stage.kind].needs - state):
        words = TRAITS[trait]
        return f" is {stage.kind!r}, but {words.absent} at that point; accepted: {words.absent_accepted}"
    return None


def _destroyed(stage: Stage, state: NetworkState) -> str | None:
    method = METHODS[stage.kind]
    if method.starts_network:
        return None
    for trait, words in TRAITS.items():
        if trait in state - method.keeps.keys() - method.needs:
            reason, accepted = method.undoes.get(trait, words.lost), words.lost_accepted.format(kind=stage.kind)
            return f" is {stage.kind!r}, but {words.present} at that point: {reason}; accepted: {accepted}"
    return None


def _nothing_to_keep(stage: Stage, state: NetworkState) -> str | None:
    for trait, option in METHODS[stage.kind].keeps.items():
        if option is not None and getattr(stage, option) and trait not in state:
            words = TRAITS[trait]
            return f".{option} is true, but {words.absent} at that point; accepted: {words.absent_accepted}"
    return None


def _conflict(stage: Stage, done: Mapping[int, Stage]) -> str | None:
    method = METHODS[stage.kind]
    problems = (
        method.conflict(earlier, position, stage)
        for position, earlier in done.items()
        if earlier.kind == stage.kind or METHODS[earlier.kind].gives & method.needs
    )
    return next((problem for problem in problems if problem is not None), None)
