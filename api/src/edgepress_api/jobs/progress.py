"""How far a job is: the share of its work that is done, each step weighed by what its kind usually takes."""

from collections.abc import Iterable

from edgepress_common.steps import StageStep, Step

# Relative to an epoch of training, as measured on the demonstration job; only the smoothness of a bar depends on them.
_STEP_WEIGHT = 2.0
_EPOCH_WEIGHT = 1.0


def step_weight(step: Step) -> float:
    """What a step is expected to take, in epochs of training."""
    epochs = step.parameters.training.epochs if isinstance(step.parameters, StageStep) else 0
    return _STEP_WEIGHT + _EPOCH_WEIGHT * epochs


def job_progress(steps: Iterable[tuple[float, float]]) -> float:
    """Share of a job's work that is done, 0 to 1, from each step's weight and the share of it that is done."""
    total = done = 0.0
    for weight, share in steps:
        total += weight
        done += weight * share
    return done / total if total else 1.0
