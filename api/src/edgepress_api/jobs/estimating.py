"""Estimates how long a plan takes, from the durations of similar steps in this database.

1. Read the finished steps on the same pack (data set and image size), and compute a likeness for each, which similar
steps share: for a stage, its method and network (with the stages that changed its shape); for an export, also its
parameters; for an evaluation, also the device and what it measures.
2. Collect their durations by likeness; divide the duration of a stage by its number of epochs.
3. A step of the plan takes the median of the durations of its likeness, times its number of epochs.

A step without similar finished steps has no estimate. The estimate does not include waiting for a free worker or
device. A training that continued an earlier attempt, or stopped early, is not used: it did not run all its epochs.
"""

from collections.abc import Hashable, Mapping, Sequence
from statistics import median

from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from edgepress_api.database import StepInputRow, StepRow
from edgepress_common.answers.jobs import Estimate
from edgepress_common.plan import Plan
from edgepress_common.results import StageResult
from edgepress_common.spec import METHODS, Stage
from edgepress_common.steps import EvaluationStep, ExportStep, StageStep, StepKey, StepParameters


def estimate_plan(session: Session, plan: Plan, done: Sequence[StepKey]) -> Estimate:
    """Return the estimate for the steps of a plan that are not done."""
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
        seconds=sum(by_step.values()) if by_step else None,
        by_step=by_step,
        unknown=len(to_do) - len(by_step),
        complete=plan.complete,
    )


def _history(session: Session, packs: Sequence[StepKey]) -> dict[Hashable, list[float]]:
    """Return the durations of finished steps on these packs by likeness, in seconds; of a stage, per epoch."""
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
    """Return the stages that did not run all their epochs: they continued from a saved epoch, or stopped early."""
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
    """Return what similar steps share; None for packing, and if the inputs are not known."""
    match parameters.get(key):
        case StageStep() as stage:
            shape = _shape(models.get(key, ""), parameters, models)
            return stage.stage.kind, stage.model, stage.training.epochs > 0, shape
        case ExportStep() as export:
            network = _likeness(models.get(key, ""), parameters, models)
            return None if network is None else (export.export.kind, network)
        case EvaluationStep() as evaluation:
            file = _likeness(models.get(key, ""), parameters, models)
            return None if file is None else (evaluation, file)
        case _:
            return None


def _shape(
    key: StepKey, parameters: Mapping[StepKey, StepParameters], models: Mapping[StepKey, StepKey]
) -> tuple[Stage, ...]:
    """Return the stages before a step that changed the shape of the network, and with it the duration."""
    stage = parameters.get(key)
    if not isinstance(stage, StageStep):
        return ()
    before = _shape(models.get(key, ""), parameters, models)
    return (*before, stage.stage) if METHODS[stage.stage.kind].changes_shape else before


def _epochs(parameters: StepParameters) -> int:
    """Return the factor that the duration grows with: the epochs; 1 for an uploaded model used without training."""
    return max(1, parameters.training.epochs) if isinstance(parameters, StageStep) else 1
