"""Reads the results of a job's pipelines for its planner, in two queries."""

from collections.abc import Collection, Iterable
from itertools import groupby
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from edgepress_api.database import JobRow, PipelineRow, PipelineStepRow, StepInputRow, StepRow
from edgepress_api.planners.results import EvaluationOutcome, ExportOutcome, PipelineResult
from edgepress_api.steps.plausible import shown_result
from edgepress_common.results import EvaluationResult
from edgepress_common.steps import EvaluationStep, ExportStep, StepKey


def results_so_far(session: Session, job_number: int, final: Collection[str] = ()) -> tuple[PipelineResult, ...]:
    """Return the pipelines of a job in the order of its plan, each with its exports and their evaluations.

    Args:
        session: The database session.
        job_number: Number of the job.
        final: Names of pipelines to return alone, with the test split: when nothing is decided by them any more.
    """
    which = (PipelineRow.name.in_(final),) if final else ()
    rows = session.execute(
        select(
            PipelineRow.name,
            PipelineRow.state.label("pipeline_state"),
            PipelineRow.trial,
            StepRow.key,
            StepRow.parameters,
            StepRow.state,
            StepRow.result,
            StepInputRow.input_key,
        )
        .join(PipelineStepRow, PipelineStepRow.pipeline_id == PipelineRow.id)
        .join(StepRow, StepRow.key == PipelineStepRow.step_key)
        .join(StepInputRow, (StepInputRow.step_key == StepRow.key) & (StepInputRow.role == "model"))
        .where(PipelineRow.job_number == job_number, StepRow.kind.in_(["export", "evaluation"]), *which)
        .order_by(PipelineRow.position, PipelineStepRow.position)
    ).all()
    seconds = _seconds(session, job_number)
    found = []
    for name, group in groupby(rows, key=lambda row: row.name):
        steps = list(group)
        found.append(
            PipelineResult(
                name=name,
                state=steps[0].pipeline_state,
                exports=tuple(_exports(steps, has_test=bool(final))),
                trial=steps[0].trial,
                seconds=seconds.get(name, 0.0),
            )
        )
    return tuple(found)


def _seconds(session: Session, job_number: int) -> dict[str, float]:
    """Return the duration of each pipeline's own steps, by name; see `PipelineResult.seconds`."""
    rows = session.execute(
        select(PipelineRow.name, StepRow.key, StepRow.started_at, StepRow.finished_at)
        .join(JobRow, JobRow.number == PipelineRow.job_number)
        .join(PipelineStepRow, PipelineStepRow.pipeline_id == PipelineRow.id)
        .join(StepRow, StepRow.key == PipelineStepRow.step_key)
        .where(
            PipelineRow.job_number == job_number,
            StepRow.finished_at.is_not(None),
            StepRow.started_at >= JobRow.created_at,
        )
        .order_by(PipelineRow.position, PipelineStepRow.position)
    )
    found: dict[str, float] = {}
    counted: set[StepKey] = set()
    for name, key, started, finished in rows:
        if key not in counted and started is not None and finished is not None:
            counted.add(key)
            found[name] = found.get(name, 0.0) + (finished - started).total_seconds()
    return found


def _exports(rows: list[Any], *, has_test: bool) -> Iterable[ExportOutcome]:
    """Return the exports of a pipeline. The ``model`` input of an evaluation is the step of its export."""
    evaluations: dict[StepKey, list[EvaluationOutcome]] = {}
    for row in rows:
        if isinstance(row.parameters, EvaluationStep):
            outcome = EvaluationOutcome(
                device=row.parameters.device, state=row.state, result=_result(row, has_test=has_test)
            )
            evaluations.setdefault(row.input_key, []).append(outcome)
    for row in rows:
        if isinstance(row.parameters, ExportStep):
            yield ExportOutcome(
                export=row.parameters.export,
                state=row.state,
                result=_result(row, has_test=has_test),
                evaluations=tuple(evaluations.get(row.key, ())),
            )


def _result(row: Any, *, has_test: bool) -> Any:
    result = shown_result(row.result, None)[0] if row.state == "succeeded" else None
    if isinstance(result, EvaluationResult) and not has_test:
        # No planner sees the test split: what it proposes would be chosen by it.
        return result.model_copy(update={"test": None})
    return result
