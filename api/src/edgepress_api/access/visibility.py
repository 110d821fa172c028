"""Visibility of stored resources: users see their own jobs, the steps of those jobs, and the steps' outputs.

Steps are shared between users' jobs. Each user sees a shared step with its outputs and results, but not the job of
another user. A resource of another user is answered as one that does not exist.
"""

from sqlalchemy import Select, exists, select
from sqlalchemy.orm import Session

from edgepress_api.access.principal import Principal
from edgepress_api.database import (
    DatasetRow,
    JobRow,
    ModelRow,
    PipelineRow,
    PipelineStepRow,
    StepArtifactRow,
    StepInputRow,
    StepRow,
)


def sees_job(session: Session, who: Principal, job_id: str) -> bool:
    """Return whether there is such a job that they see."""
    owner = session.scalar(select(JobRow.owner).where(JobRow.id == job_id))
    return owner is not None and who.viewer in {None, owner}


def sees_step(session: Session, who: Principal, key: str) -> bool:
    """Return whether a job that they see needs the step."""
    return who.viewer is None or bool(
        session.scalar(select(exists(steps_of(who.viewer).where(PipelineStepRow.step_key == key))))
    )


def sees_artifact(session: Session, who: Principal, sha256: str) -> bool:
    """Return whether it is an output of a step that they see, their upload, or an input of the device's evaluation."""
    if who.viewer is None:
        return True
    return (who.may("read") and _user_sees(session, who.viewer, sha256)) or (
        who.device is not None and _device_needs(session, who.device, sha256)
    )


def steps_of(user: str) -> Select[str]:
    """Return a query of the keys of steps that a user's jobs need."""
    return (
        select(PipelineStepRow.step_key)
        .join(PipelineRow, PipelineRow.id == PipelineStepRow.pipeline_id)
        .join(JobRow, JobRow.number == PipelineRow.job_number)
        .where(JobRow.owner == user)
    )


def _user_sees(session: Session, user: str, sha256: str) -> bool:
    given = (
        steps_of(user)
        .join(StepArtifactRow, StepArtifactRow.step_key == PipelineStepRow.step_key)
        .where(StepArtifactRow.sha256 == sha256)
    )
    uploaded = any(session.get(kind, (user, sha256)) is not None for kind in (DatasetRow, ModelRow))
    return uploaded or bool(session.scalar(select(exists(given))))


def _device_needs(session: Session, device: str, sha256: str) -> bool:
    needed = (
        select(StepArtifactRow.sha256)
        .join(StepInputRow, StepInputRow.input_key == StepArtifactRow.step_key)
        .join(StepRow, StepRow.key == StepInputRow.step_key)
        .where(
            StepArtifactRow.sha256 == sha256,
            StepRow.kind == "evaluation",
            StepRow.state == "running",
            StepRow.holder == device,
        )
    )
    return bool(session.scalar(select(exists(needed))))
