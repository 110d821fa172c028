"""How long a plan may take, from what the like of its steps took here.

1. Of the steps that were done on the very same pack (data set and image size), each has a likeness: for a stage its
   method and network, for an export also how it is written, for an evaluation also the device and what it measures.
2. What they took is noted by likeness; a stage's time is divided by its epochs.
3. A step of the plan takes the median of its likeness, times its epochs.

A step whose likeness was never done has no estimate, and nothing is guessed in its place. Time spent waiting for a free
worker or device is in none of this. A training that was taken over from an earlier attempt, or stopped early, does not
count: its time is not that of all its epochs.
"""

from collections.abc import Hashable, Mapping, Sequence
from statistics import median

from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from edgepress_api.database import StepInputRow, StepRow
from edgepress_common.frozen import Frozen
from edgepress_common.plan import Plan
from edgepress_common.results import StageResult
from edgepress_common.steps import EvaluationStep, ExportStep, StageStep, StepKey, StepParameters


class Estimate(Frozen):
    """What is left to do may take so long.

    Attributes:
        seconds: Of all steps that have an estimate, one after another; None where none has.
        by_step: Of each of them.
        unknown: Steps to do that have none, since the like was never done here.
    """

    seconds: float | None
    by_step: dict[StepKey, float]
    unknown: int


def estimate_plan(session: Session, plan: Plan, done: Sequence[StepKey]) -> Estimate:
    """The estimate for the steps of a plan that are not done."""
    to_do = [step for step in plan.steps if step.key not in set(done)]
    took = _history(session, [step.key for step in plan.steps if step.kind == "pack"])
    parameters = {step.key: step.parameters for step in plan.steps}
    models = {step.key: source for step in plan.steps if (source := step.inputs.get("model"))}
    by_step = {}
    for step in to_do:
        likeness = _likeness(step.key, parameters, models)
        if likeness in took:
            by_step[step.key] = median(took[likeness]) * _epochs(step.parameters)
    return Estimate(
        seconds=sum(by_step.values()) if by_step else None, by_step=by_step, unknown=len(to_do) - len(by_step)
    )


def _history(session: Session, packs: Sequence[StepKey]) -> dict[Hashable, list[float]]:
    """Seconds that steps on these packs took, a stage's for each epoch, by likeness."""
    model = aliased(StepInputRow)
    rows = session.execute(
        select(StepRow.key, StepRow.parameters, StepRow.started_at, StepRow.finished_at, model.input_key)
        .join(StepInputRow, (StepInputRow.step_key == StepRow.key) & (StepInputRow.role == "pack"))
        .outerjoin(model, (model.step_key == StepRow.key) & (model.role == "model"))
        .where(StepInputRow.input_key.in_(packs), StepRow.state == "succeeded")
    ).all()
    parameters = {row.key: row.parameters for row in rows}
    models = {row.key: row.input_key for row in rows if row.input_key is not None}
    partly = _resumed(session, [row.key for row in rows if isinstance(row.parameters, StageStep)])
    took: dict[Hashable, list[float]] = {}
    for row in rows:
        likeness = _likeness(row.key, parameters, models)
        if likeness is None or row.started_at is None or row.finished_at is None or row.key in partly:
            continue
        seconds = (row.finished_at - row.started_at).total_seconds()
        took.setdefault(likeness, []).append(seconds / _epochs(row.parameters))
    return took


def _resumed(session: Session, stages: Sequence[StepKey]) -> set[StepKey]:
    """Those whose time is not that of all their epochs: they went on from saved ones, or stopped early."""
    rows = session.execute(select(StepRow.key, StepRow.parameters, StepRow.result).where(StepRow.key.in_(stages)))
    return {
        key
        for key, parameters, result in rows
        if isinstance(result, StageResult)
        and isinstance(parameters, StageStep)
        and (result.resumed_after_epochs or (result.epochs and len(result.epochs) < parameters.training.epochs))
    }


def _likeness(
    key: StepKey, parameters: Mapping[StepKey, StepParameters], models: Mapping[StepKey, StepKey]
) -> Hashable | None:
    """What a step has in common with those that take as long; None where that can't be told, and for packing."""
    match parameters.get(key):
        case StageStep() as stage:
            return stage.stage.kind, stage.model, stage.training.epochs > 0
        case ExportStep() as export:
            network = _likeness(models.get(key, ""), parameters, models)
            return None if network is None else (export.export.kind, network)
        case EvaluationStep() as evaluation:
            file = _likeness(models.get(key, ""), parameters, models)
            return None if file is None else (evaluation, file)
        case _:
            return None


def _epochs(parameters: StepParameters) -> int:
    """What a step's time grows with; one where a model is taken as it was uploaded, which takes its time too."""
    return max(1, parameters.training.epochs) if isinstance(parameters, StageStep) else 1
