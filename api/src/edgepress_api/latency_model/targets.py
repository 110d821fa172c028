"""Finds the latency models that the stages of a job need, whose target is a latency on a device."""

from collections.abc import Iterator

from sqlalchemy import select
from sqlalchemy.orm import Session

from edgepress_api.database import DeviceRow, JobRow, PipelineRow, PipelineStepRow, StepRow
from edgepress_api.latency_model.history import latency_history
from edgepress_api.latency_model.model import LatencyModel
from edgepress_common.errors import FieldProblem, InvalidSpecError
from edgepress_common.latency_table import LatencyTable, export_name
from edgepress_common.plan import LatencyTables
from edgepress_common.spec import JobSpec
from edgepress_common.spec.exports import Export
from edgepress_common.spec.methods.prune_channels import LatencyTarget
from edgepress_common.spec.pipeline import latency_targets
from edgepress_common.steps import StageStep


def fitted_tables(session: Session, spec: JobSpec) -> LatencyTables:
    """Return the latency models of a spec's targets, fitted on what was measured until now.

    Args:
        session: The database session.
        spec: The spec.

    Raises:
        InvalidSpecError: No device has the name of a target, or it has not measured enough files of the export.
    """
    targets = [
        (f"pipelines[{position}].stages[{number}].target.latency", target, export)
        for position, pipeline in enumerate(spec.pipeline_list())
        for number, target, export in latency_targets(pipeline)
    ]
    models = {
        device: LatencyModel.fitted(latency_history(session, device=device).of_device(device))
        for device in {target.device for _, target, _ in targets}
    }
    tables: dict[tuple[str, str], LatencyTable] = {}
    problems: list[FieldProblem] = []
    for path, target, export in targets:
        model, name = models[target.device], export_name(export)
        if model is None:
            problems.append(_unknown_device(session, path, target))
        elif (table := model.table(name, spec.evaluation.threads)).fits:
            tables[target.device, name] = table
        else:
            problems.append(_unknown_export(model, path, (target, export), spec))
    if problems:
        raise InvalidSpecError(problems)
    return tables


def planned_tables(session: Session, job: JobRow) -> LatencyTables:
    """Return the latency models that the stages of a job were planned with, for pipelines that are added later."""
    rows = session.scalars(
        select(StepRow.parameters)
        .join(PipelineStepRow, PipelineStepRow.step_key == StepRow.key)
        .join(PipelineRow, PipelineRow.id == PipelineStepRow.pipeline_id)
        .where(PipelineRow.job_number == job.number, StepRow.kind == "stage", StepRow.title == "prune_channels")
    )
    tables = (step.latency for step in rows if isinstance(step, StageStep) and step.latency is not None)
    return {(table.device, table.export): table for table in tables}


def _unknown_device(session: Session, path: str, target: LatencyTarget) -> FieldProblem:
    exists = session.get(DeviceRow, target.device) is not None
    known = ", ".join(sorted({file.device for file in latency_history(session).files}))
    return FieldProblem(
        field=f"{path}.device",
        value=target.device,
        message="has measured no file that its latency model could be fitted on" if exists else "is not a known device",
        accepted=f"a device that has measured files{f', such as {known}' if known else ''}; a job with "
        "evaluation.devices makes it measure some",
    )


def _unknown_export(model: LatencyModel, path: str, which: tuple[LatencyTarget, Export], spec: JobSpec) -> FieldProblem:
    target, export = which
    words = ", ".join(map(str, spec.evaluation.threads))
    known = ", ".join(sorted(set(_known(model)))) or "none yet"
    return FieldProblem(
        field=f"{path}.export",
        value=target.export,
        message=f"{target.device} has measured too few networks as {export_name(export)} with {words} threads to "
        "predict others",
        accepted=f"exports that its latency model predicts: {known}",
    )


def _known(model: LatencyModel) -> Iterator[str]:
    for (threads, export), fit in model.fits.items():
        if fit.interval is not None:
            yield f"{export} with {threads} thread{'' if threads == 1 else 's'}"
