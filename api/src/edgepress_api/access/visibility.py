"""What a user sees of what is stored: jobs of their own, the steps of those, and what these gave.

Steps are shared between users' jobs. Each sees a shared step, with what it gave and found, and nothing of the other's
job. To a user, what another has is not there: asked for by name, it is answered as a name that nobody knows.
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
    """Whether there is such a job for them."""
    owner = session.scalar(select(JobRow.owner).where(JobRow.id == job_id))
    return owner is not None and who.viewer in {None, owner}


def sees_step(session: Session, who: Principal, key: str) -> bool:
    """Whether a job that they see needs such a step."""
    return who.viewer is None or bool(
        session.scalar(select(exists(steps_of(who.viewer).where(PipelineStepRow.step_key == key))))
    )


def sees_artifact(session: Session, who: Principal, sha256: str) -> bool:
    """Whether a step that they see gave it, or they have uploaded it; or a device's evaluation under way needs it."""
    if who.viewer is None:
        return True
    return (who.may("read") and _user_sees(session, who.viewer, sha256)) or (
        who.device is not None and _device_needs(session, who.device, sha256)
    )


def steps_of(user: str) -> Select[str]:
    """The keys of steps that a user's jobs need."""
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
