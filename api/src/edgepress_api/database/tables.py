"""The tables.

::

    jobs ──< pipelines ──< pipeline_steps >── steps ──< step_inputs >── steps
      ├──< events                     └──< step_artifacts
      └─── webhooks

    devices      datasets      models      tokens      counters      identity

Steps belong to no job: jobs that need the same step share its row. A job, a data set, and a model, belongs to the
user whose token it was posted with.
"""

from datetime import datetime
from typing import Literal

from sqlalchemy import BigInteger, Float, ForeignKey, Index, String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from edgepress_api.access.principal import LOCAL_USER, Scope
from edgepress_api.database.columns import AsJson, UtcDateTime
from edgepress_common.devices import Announcement
from edgepress_common.messages import Outputs, Progress, StepFailure
from edgepress_common.results import StepResult
from edgepress_common.spec import JobSpec
from edgepress_common.steps import Role, StepKind, StepParameters

JobState = Literal["queued", "running", "succeeded", "partly_succeeded", "failed", "cancelled"]
StepState = Literal["waiting", "ready", "sent", "running", "succeeded", "failed", "cancelled"]
WebhookState = Literal["waiting", "due", "delivered", "failed"]
EventType = Literal["job", "pipeline", "step", "epoch"]

_STATE = String(20)
_KEY = String(64)
_USER = String(64)


class Base(DeclarativeBase):
    """What all tables share."""


class JobRow(Base):
    """A job.

    Attributes:
        number: Counts up: the order of acceptance, which pages and fairness go by.
        id: What the outside calls it.
        owner: The user who posted it.
        deadline_at: When it is ended, if it has not ended by then.
        error: Why it ended other than well, in a sentence.
        idempotency_key: Digest of the owner and the key: users may have the same one.
        request_digest: SHA-256 of what was posted with the key.
    """

    __tablename__ = "jobs"
    __table_args__ = (Index("ix_jobs_owner_number", "owner", "number"),)

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    id: Mapped[str] = mapped_column(String(40), unique=True)
    name: Mapped[str] = mapped_column(String(200), index=True)
    owner: Mapped[str] = mapped_column(_USER, default=LOCAL_USER, server_default=LOCAL_USER)
    state: Mapped[JobState] = mapped_column(_STATE, index=True)
    spec: Mapped[JobSpec] = mapped_column(AsJson(JobSpec))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    deadline_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    error: Mapped[str | None]
    idempotency_key: Mapped[str | None] = mapped_column(String(255), unique=True)
    request_digest: Mapped[str | None] = mapped_column(_KEY)

    pipelines: Mapped[list["PipelineRow"]] = relationship(
        back_populates="job", order_by="PipelineRow.position", cascade="all, delete-orphan"
    )


class PipelineRow(Base):
    """A pipeline of a job."""

    __tablename__ = "pipelines"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    job_number: Mapped[int] = mapped_column(ForeignKey("jobs.number", ondelete="CASCADE"), index=True)
    position: Mapped[int]
    name: Mapped[str] = mapped_column(String(64))
    state: Mapped[JobState] = mapped_column(_STATE)

    job: Mapped[JobRow] = relationship(back_populates="pipelines")
    steps: Mapped[list["PipelineStepRow"]] = relationship(
        back_populates="pipeline", order_by="PipelineStepRow.position", cascade="all, delete-orphan"
    )


class PipelineStepRow(Base):
    """That a pipeline needs a step."""

    __tablename__ = "pipeline_steps"

    pipeline_id: Mapped[int] = mapped_column(ForeignKey("pipelines.id", ondelete="CASCADE"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    step_key: Mapped[str] = mapped_column(ForeignKey("steps.key"), index=True)

    pipeline: Mapped[PipelineRow] = relationship(back_populates="steps")
    step: Mapped["StepRow"] = relationship()


class StepRow(Base):
    """A step, and how far it is. See `edgepress_api.steps.states` for what its state does.

    Attributes:
        device: Who may evaluate it: a name, or ``any``; None for a worker's step.
        weight: What it is expected to take, relative to others.
        attempt: The attempt under way or last made, counted from 1; 0 before the first.
        failures: Attempts that failed since the step was last wanted anew.
        sends: Times the present attempt was sent to its queue.
        due_at: For ``sent``, when to send again; for ``running``, when the lease is over; for a ``ready`` evaluation
            whose device is away, when it is given up.
        holder: Worker or device of the present attempt.
    """

    __tablename__ = "steps"
    __table_args__ = (Index("ix_steps_state_kind", "state", "kind"),)

    key: Mapped[str] = mapped_column(_KEY, primary_key=True)
    kind: Mapped[StepKind] = mapped_column(_STATE)
    title: Mapped[str] = mapped_column(String(200))
    parameters: Mapped[StepParameters] = mapped_column(AsJson(StepParameters))
    device: Mapped[str | None] = mapped_column(String(64), index=True)
    weight: Mapped[float]
    state: Mapped[StepState] = mapped_column(_STATE)
    attempt: Mapped[int] = mapped_column(default=0)
    failures: Mapped[int] = mapped_column(default=0)
    sends: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)
    holder: Mapped[str | None] = mapped_column(String(255))
    progress: Mapped[Progress | None] = mapped_column(AsJson(Progress))
    outputs: Mapped[Outputs | None] = mapped_column(AsJson(Outputs))
    result: Mapped[StepResult | None] = mapped_column(AsJson(StepResult))
    failure: Mapped[StepFailure | None] = mapped_column(AsJson(StepFailure))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    started_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    inputs: Mapped[list["StepInputRow"]] = relationship(
        foreign_keys="StepInputRow.step_key", cascade="all, delete-orphan"
    )


class StepInputRow(Base):
    """That a step takes another's outputs, as what."""

    __tablename__ = "step_inputs"

    step_key: Mapped[str] = mapped_column(ForeignKey("steps.key", ondelete="CASCADE"), primary_key=True)
    role: Mapped[Role] = mapped_column(_STATE, primary_key=True)
    input_key: Mapped[str] = mapped_column(ForeignKey("steps.key"), index=True)

    source: Mapped[StepRow] = relationship(foreign_keys=[input_key])


class StepArtifactRow(Base):
    """That a step gave an artifact: who may fetch it is asked by its name."""

    __tablename__ = "step_artifacts"

    sha256: Mapped[str] = mapped_column(_KEY, primary_key=True)
    step_key: Mapped[str] = mapped_column(ForeignKey("steps.key", ondelete="CASCADE"), primary_key=True, index=True)
    size_bytes: Mapped[int] = mapped_column(BigInteger, server_default="0")


class WebhookRow(Base):
    """Who is told when a job ends, and how that goes. See `edgepress_api.webhooks`.

    Attributes:
        secret: What is signed with; kept as it is, since signing needs it.
        state: ``waiting`` for the end, ``due`` until it is taken or given up.
        word_id: What the receiver knows the word by; another one when a job that was retried ends again.
        attempts: Times it was posted.
        due_at: When it is posted next.
        answer: How it was taken last, in a sentence.
    """

    __tablename__ = "webhooks"
    __table_args__ = (Index("ix_webhooks_state_due_at", "state", "due_at"),)

    job_number: Mapped[int] = mapped_column(ForeignKey("jobs.number", ondelete="CASCADE"), primary_key=True)
    url: Mapped[str] = mapped_column(String(2000))
    secret: Mapped[str] = mapped_column(String(200))
    state: Mapped[WebhookState] = mapped_column(_STATE)
    word_id: Mapped[str | None] = mapped_column(String(40))
    attempts: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    answer: Mapped[str | None]
    delivered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class EventRow(Base):
    """Something that happened to a job, kept so that a client that was away can catch up."""

    __tablename__ = "events"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    job_number: Mapped[int] = mapped_column(ForeignKey("jobs.number", ondelete="CASCADE"), index=True)
    type: Mapped[EventType] = mapped_column(_STATE)
    data: Mapped[dict[str, object]] = mapped_column(AsJson(dict[str, object]))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class DeviceRow(Base):
    """A device that has announced itself."""

    __tablename__ = "devices"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    announcement: Mapped[Announcement] = mapped_column(AsJson(Announcement))
    first_seen_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_seen_at: Mapped[datetime] = mapped_column(UtcDateTime)


class DatasetRow(Base):
    """A data set that a user has uploaded. Others may have uploaded the same bytes, which are kept once."""

    __tablename__ = "datasets"

    owner: Mapped[str] = mapped_column(_USER, primary_key=True, default=LOCAL_USER)
    sha256: Mapped[str] = mapped_column(_KEY, primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    media_type: Mapped[str] = mapped_column(String(100))
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class ModelRow(Base):
    """A Keras model that a user has uploaded, with what was found in it. See `edgepress_api.models`."""

    __tablename__ = "models"

    owner: Mapped[str] = mapped_column(_USER, primary_key=True, default=LOCAL_USER)
    sha256: Mapped[str] = mapped_column(_KEY, primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    image_size: Mapped[int | None]
    classes: Mapped[int | None]
    ends_in: Mapped[Literal["probabilities", "logits"]] = mapped_column(_STATE)
    scales_pixels: Mapped[bool]
    layers: Mapped[int]


class CounterRow(Base):
    """Something that is counted, by kind of step: what has happened to steps that may be gone. See `steps.counters`."""

    __tablename__ = "counters"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    kind: Mapped[StepKind] = mapped_column(_STATE, primary_key=True)
    value: Mapped[float] = mapped_column(Float)


class TokenRow(Base):
    """A token. See `edgepress_api.access`."""

    __tablename__ = "tokens"

    id: Mapped[str] = mapped_column(String(12), primary_key=True)
    user: Mapped[str] = mapped_column("user_name", _USER)  # `user` alone is a word of PostgreSQL's own
    scopes: Mapped[tuple[Scope, ...]] = mapped_column(AsJson(tuple[Scope, ...]))
    device: Mapped[str | None] = mapped_column(String(64))
    max_jobs: Mapped[int | None]
    max_bytes: Mapped[int | None] = mapped_column(BigInteger)
    digest: Mapped[str] = mapped_column(_KEY)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class IdentityRow(Base):
    """Who this database is: one row, made with the tables. A backup that is restored is the same.

    Attributes:
        name: What it goes by: a UUID.
        created_at: When it came to be.
    """

    __tablename__ = "identity"

    name: Mapped[str] = mapped_column(String(36), primary_key=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
