"""Progress of a job: the share of its work that is done, each step weighted by the usual duration of its kind."""

from collections.abc import Iterable

from edgepress_common.answers.jobs import StepState
from edgepress_common.messages import Progress
from edgepress_common.spec import METHODS
from edgepress_common.steps import StageStep, Step

# Relative to an epoch of training, measured on the demo job. They only affect how smoothly the progress bar moves.
_STEP_WEIGHT = 2.0
# A job has not ended before its plan is complete.
_MOST_OF_AN_INCOMPLETE_PLAN = 0.99


def step_weight(step: Step) -> float:
    """Return the expected duration of a step, in epochs of training."""
    if not isinstance(step.parameters, StageStep):
        return _STEP_WEIGHT
    return _STEP_WEIGHT + METHODS[step.parameters.stage.kind].epoch_weight * step.parameters.training.epochs


def step_share(state: StepState, progress: Progress | None) -> float:
    """Return the share of a step that is done, 0 to 1. A step that failed or was cancelled counts as 0."""
    if state == "succeeded":
        return 1.0
    return progress.fraction if state == "running" and progress else 0.0


def job_progress(steps: Iterable[tuple[float, float]], *, plan_complete: bool = True) -> float:
    """Return the share of a job's work that is done, 0 to 1.

    Args:
        steps: The weight of each step, and the share of it that is done.
        plan_complete: Whether no steps will be added. Otherwise the result is the share of the steps so far, at most
        0.99, and it falls when steps are added.
    """
    total = done = 0.0
    for weight, share in steps:
        total += weight
        done += weight * share
    share_done = done / total if total else 1.0
    return share_done if plan_complete else min(share_done, _MOST_OF_AN_INCOMPLETE_PLAN)
