"""Finds the coded file of a model."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from edgepress_api.database import JobRow, PipelineRow, PipelineStepRow, StepArtifactRow, StepRow
from edgepress_common.errors import NotFoundError


def find_coded_file(session: Session, job_id: str, model_sha256: str) -> str:
    """Return the SHA-256 of the coded file of a model, as an export of the job has written it.

    Raises:
        NotFoundError: There is none.
    """
    wrote = (
        select(StepRow)
        .join(StepArtifactRow, StepArtifactRow.step_key == StepRow.key)
        .join(PipelineStepRow, PipelineStepRow.step_key == StepRow.key)
        .join(PipelineRow, PipelineRow.id == PipelineStepRow.pipeline_id)
        .join(JobRow, JobRow.number == PipelineRow.job_number)
        .where(JobRow.id == job_id, StepArtifactRow.sha256 == model_sha256, StepRow.kind == "export")
        .order_by(StepRow.key)
    )
    for row in session.scalars(wrote):
        if row.outputs is not None and "coded" in row.outputs:
            return row.outputs["coded"].sha256
    raise NotFoundError(
        f"the model {model_sha256} has no coded file: an earlier release has exported it; accepted: coded=false"
    )
