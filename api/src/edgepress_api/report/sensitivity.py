"""Reads what int8 costs in each layer of a file of a job."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from edgepress_api.database import JobRow, PipelineRow, PipelineStepRow, StepRow
from edgepress_common.errors import NotFoundError
from edgepress_common.results import ExportResult, Sensitivity


def find_sensitivity(session: Session, job_id: str, model_sha256: str) -> Sensitivity:
    """Return what int8 costs in each layer of a file.

    Args:
        session: The database session.
        job_id: Id of an existing job.
        model_sha256: SHA-256 of the .tflite file.

    Raises:
        NotFoundError: The job has not exported the file, or its export did not measure this.
    """
    exports = session.scalars(
        select(StepRow)
        .join(PipelineStepRow, PipelineStepRow.step_key == StepRow.key)
        .join(PipelineRow, PipelineRow.id == PipelineStepRow.pipeline_id)
        .join(JobRow, JobRow.number == PipelineRow.job_number)
        .where(JobRow.id == job_id, StepRow.kind == "export", StepRow.state == "succeeded")
    )
    results = [
        each.result
        for each in exports
        if isinstance(each.result, ExportResult)
        and each.outputs is not None
        and each.outputs["tflite"].sha256 == model_sha256
    ]
    if not results:
        raise NotFoundError(
            f"{job_id} has not exported the file {model_sha256}; accepted: a model_sha256 of its report"
        )
    measured = [each.sensitivity for each in results if each.sensitivity is not None]
    if not measured:
        raise NotFoundError(
            f"the export of {model_sha256} did not measure its layers; accepted: a file of the export int8 with "
            "sensitivity: true, or with a number as keep_float"
        )
    return measured[0]
