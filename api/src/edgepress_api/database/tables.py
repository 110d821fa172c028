"""The tables.

::

    jobs ──< pipelines ──< pipeline_steps >── steps ──< step_inputs >── steps
      ├──< events                     └──< step_artifacts
      ├──< job_facets
      ├──< comparison_jobs >── comparisons
      ├─── webhooks
      ├──< recipients
      └──< notifications

    devices      datasets      models      tokens      counters      identity

A step does not belong to a job: jobs that need the same step share its row. A job, a data set, a model or a pinned
comparison belongs to the user whose token it was posted with.
"""

from datetime import datetime
from typing import Literal

from sqlalchemy import BigInteger, Float, ForeignKey, Index, String, Text, true
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from edgepress_api.database.columns import AsJson, UtcDateTime
from edgepress_common.answers.job_list import FacetKind, ImportedFrom, JobState
from edgepress_common.answers.jobs import EventType, StepState, WebhookState
from edgepress_common.answers.notifications import NotificationKind
from edgepress_common.answers.users import LOCAL_USER, Scope
from edgepress_common.devices import Announcement
from edgepress_common.messages import Outputs, Progress, StepFailure
from edgepress_common.results import StepResult
from edgepress_common.spec import JobSpec
from edgepress_common.spec.notify import Notice
from edgepress_common.steps import Role, StepKind, StepParameters
from edgepress_common.trial import Trial

_STATE = String(20)
_KEY = String(64)
_USER = String(64)

FIXED_LIST = "fixed_list"
"""The planner of jobs that list their pipelines, and of all jobs from before planners existed."""


class Base(DeclarativeBase):
    """Base class of all tables."""


class JobRow(Base):
    """A job.

    Attributes:
        number: Consecutive number in the order of acceptance, used for paging and fair scheduling.
        id: The id in the API.
        owner: The user who posted it.
        deadline_at: When the job is stopped if it has not ended.
        error: Why it did not succeed, in a sentence.
        idempotency_key: Digest of the owner and the key, because two users may send the same key.
        request_digest: SHA-256 of the spec that was posted with the key.
        planner: Name of the planner that proposes its pipelines; see `edgepress_api.planners`.
        plan_complete: Whether the planner adds no more pipelines.
        plan_error: Why the plan was completed early: its planner failed, or a quota was used up.
        proposed_after: How many pipelines had ended when the planner was last asked; None asks it in the next round.
        fingerprint: Digest of the data set's content when the job was submitted. All its pipelines are planned with it.
        devices: Names of the devices that the spec's selectors matched when the job was submitted.
        max_bytes: Storage quota of the token that the job was posted with; None for no limit.
        project: See `edgepress_common.spec.labels`, as for tags and notes.
        imported: Where the job was imported from; None for a job of this server. See `edgepress_api.archive`.
        imported_at: When it was imported; its other times are those of the server that ran it.
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
    planner: Mapped[str] = mapped_column(String(40), default=FIXED_LIST, server_default=FIXED_LIST)
    plan_complete: Mapped[bool] = mapped_column(default=True, server_default=true())
    plan_error: Mapped[str | None]
    proposed_after: Mapped[int | None]
    fingerprint: Mapped[str | None]
    devices: Mapped[tuple[str, ...] | None] = mapped_column(AsJson(tuple[str, ...]))
    max_bytes: Mapped[int | None] = mapped_column(BigInteger)
    project: Mapped[str | None] = mapped_column(String(100))
    tags: Mapped[tuple[str, ...]] = mapped_column(AsJson(tuple[str, ...]), default=(), server_default="[]")
    notes: Mapped[str] = mapped_column(Text, default="", server_default="")
    imported: Mapped[ImportedFrom | None] = mapped_column(AsJson(ImportedFrom))
    imported_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    pipelines: Mapped[list["PipelineRow"]] = relationship(
        back_populates="job", order_by="PipelineRow.position", cascade="all, delete-orphan"
    )


class FacetRow(Base):
    """A value by which a job is found. See `edgepress_api.jobs.facets`."""

    __tablename__ = "job_facets"
    __table_args__ = (Index("ix_job_facets_kind_value", "kind", "value"),)

    job_number: Mapped[int] = mapped_column(ForeignKey("jobs.number", ondelete="CASCADE"), primary_key=True)
    kind: Mapped[FacetKind] = mapped_column(_STATE, primary_key=True)
    value: Mapped[str] = mapped_column(String(200), primary_key=True)


class ComparisonRow(Base):
    """A pinned comparison. See `edgepress_api.comparison.pinned`."""

    __tablename__ = "comparisons"
    __table_args__ = (Index("ix_comparisons_owner_number", "owner", "number"),)

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    id: Mapped[str] = mapped_column(String(40), unique=True)
    owner: Mapped[str] = mapped_column(_USER)
    name: Mapped[str] = mapped_column(String(100))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class ComparisonJobRow(Base):
    """A job of a pinned comparison; the one at position 0 is the reference."""

    __tablename__ = "comparison_jobs"

    comparison_number: Mapped[int] = mapped_column(
        ForeignKey("comparisons.number", ondelete="CASCADE"), primary_key=True
    )
    position: Mapped[int] = mapped_column(primary_key=True)
    job_number: Mapped[int] = mapped_column(ForeignKey("jobs.number", ondelete="CASCADE"), index=True)


class PipelineRow(Base):
    """A pipeline of a job.

    Attributes:
        trial: What the search records of it; None for a pipeline of the spec.
    """

    __tablename__ = "pipelines"
    __table_args__ = (
        Index("ux_pipelines_job_name", "job_number", "name", unique=True),
        Index("ux_pipelines_job_position", "job_number", "position", unique=True),
    )

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    job_number: Mapped[int] = mapped_column(ForeignKey("jobs.number", ondelete="CASCADE"), index=True)
    position: Mapped[int]
    name: Mapped[str] = mapped_column(String(64))
    state: Mapped[JobState] = mapped_column(_STATE)
    trial: Mapped[Trial | None] = mapped_column(AsJson(Trial))

    job: Mapped[JobRow] = relationship(back_populates="pipelines")
    steps: Mapped[list["PipelineStepRow"]] = relationship(
        back_populates="pipeline", order_by="PipelineStepRow.position", cascade="all, delete-orphan"
    )


class PipelineStepRow(Base):
    """A step that a pipeline needs."""

    __tablename__ = "pipeline_steps"

    pipeline_id: Mapped[int] = mapped_column(ForeignKey("pipelines.id", ondelete="CASCADE"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    step_key: Mapped[str] = mapped_column(ForeignKey("steps.key"), index=True)

    pipeline: Mapped[PipelineRow] = relationship(back_populates="steps")
    step: Mapped["StepRow"] = relationship()


class StepRow(Base):
    """A step and its progress. `edgepress_api.steps.states` defines the transitions of its state.

    Attributes:
        device: Name of the device that may evaluate it, or ``any``; None for a worker's step.
        weight: Expected duration, relative to other steps.
        attempt: The current or last attempt, counted from 1; 0 before the first.
        failures: Number of attempts that failed since the step was last scheduled or retried.
        sends: How many times the current attempt was sent to its queue.
        due_at: For ``sent``, when to send it again; for ``running``, when the lease expires; for a ``ready`` evaluation
        whose device is offline, when it fails.
        holder: Worker or device that has the lease of the current attempt.
        machine_id: For ``sent``, the only machine whose workers can start it; for ``running``, the machine that it runs
        on. None if it may be any machine.
        origin_key: Key on the server that ran it, of an imported step. No plan of this server has its ``key``.
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
    machine_id: Mapped[str | None] = mapped_column(String(64))
    origin_key: Mapped[str | None] = mapped_column(_KEY)
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
    """An output of one step that is an input of another, with the name of the input."""

    __tablename__ = "step_inputs"

    step_key: Mapped[str] = mapped_column(ForeignKey("steps.key", ondelete="CASCADE"), primary_key=True)
    role: Mapped[Role] = mapped_column(_STATE, primary_key=True)
    input_key: Mapped[str] = mapped_column(ForeignKey("steps.key"), index=True)

    source: Mapped[StepRow] = relationship(foreign_keys=[input_key])


class StepArtifactRow(Base):
    """An artifact that a step wrote. Access to an artifact is decided by the jobs of such steps."""

    __tablename__ = "step_artifacts"

    sha256: Mapped[str] = mapped_column(_KEY, primary_key=True)
    step_key: Mapped[str] = mapped_column(ForeignKey("steps.key", ondelete="CASCADE"), primary_key=True, index=True)
    size_bytes: Mapped[int] = mapped_column(BigInteger, server_default="0")


class DeliveryRow(Base):
    """The state of a delivery. See `edgepress_api.webhooks`.

    Attributes:
        state: ``waiting`` for the end of a job, ``due`` until it is taken or given up.
        attempts: Times it was posted.
        due_at: When it is posted next.
        answer: The outcome of the last attempt, in a sentence.
    """

    __abstract__ = True

    state: Mapped[WebhookState] = mapped_column(_STATE)
    attempts: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    answer: Mapped[str | None]
    delivered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class WebhookRow(DeliveryRow):
    """The webhook of a job, and its delivery.

    Attributes:
        secret: What is signed with, which signing needs in full; encrypted if there is a key, see `access.sealing`.
        word_id: What the receiver knows the word by; another one when a job that was retried ends again.
    """

    __tablename__ = "webhooks"
    __table_args__ = (Index("ix_webhooks_state_due_at", "state", "due_at"),)

    job_number: Mapped[int] = mapped_column(ForeignKey("jobs.number", ondelete="CASCADE"), primary_key=True)
    url: Mapped[str] = mapped_column(String(2000))
    secret: Mapped[str] = mapped_column(String(500))
    word_id: Mapped[str | None] = mapped_column(String(40))


class RecipientRow(Base):
    """A recipient of a job's notifications. See `edgepress_common.spec.notify`.

    Attributes:
        secret: The recipient as JSON; encrypted if there is a key, see `access.sealing`.
        digest: SHA-256 of owner and recipient: recipients of several jobs that are the same have the same one.
        shown: The recipient without its secrets.
        notices: The occasions of its messages.
    """

    __tablename__ = "recipients"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    job_number: Mapped[int] = mapped_column(ForeignKey("jobs.number", ondelete="CASCADE"), index=True)
    kind: Mapped[str] = mapped_column(_STATE)
    secret: Mapped[str] = mapped_column(Text)
    digest: Mapped[str] = mapped_column(_KEY)
    shown: Mapped[str] = mapped_column(Text)
    notices: Mapped[tuple[Notice, ...]] = mapped_column(AsJson(tuple[Notice, ...]))


class NotificationRow(DeliveryRow):
    """A message to a recipient, and its delivery. See `edgepress_api.notifications`.

    Attributes:
        job_number: The job that it is about; None for devices, whose messages outlive jobs.
        device: The device that it is about.
        secret: See `RecipientRow`, as for the digest and what is shown.
    """

    __tablename__ = "notifications"
    __table_args__ = (
        Index("ix_notifications_state_due_at", "state", "due_at"),
        Index("ix_notifications_digest_device", "digest", "device"),
    )

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    owner: Mapped[str] = mapped_column(_USER)
    job_number: Mapped[int | None] = mapped_column(ForeignKey("jobs.number", ondelete="CASCADE"), index=True)
    kind: Mapped[NotificationKind] = mapped_column(_STATE)
    device: Mapped[str | None] = mapped_column(String(64))
    secret: Mapped[str] = mapped_column(Text)
    digest: Mapped[str] = mapped_column(_KEY)
    shown: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class EventRow(Base):
    """An event of a job, stored so that a client that reconnects receives the events it missed."""

    __tablename__ = "events"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    job_number: Mapped[int] = mapped_column(ForeignKey("jobs.number", ondelete="CASCADE"), index=True)
    type: Mapped[EventType] = mapped_column(_STATE)
    data: Mapped[dict[str, object]] = mapped_column(AsJson(dict[str, object]))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class DeviceRow(Base):
    """A device that has announced itself.

    Attributes:
        previous: Its announcement before its identity or hardware changed; None if it has not changed.
        changed_at: When it changed.
    """

    __tablename__ = "devices"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    announcement: Mapped[Announcement] = mapped_column(AsJson(Announcement))
    first_seen_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_seen_at: Mapped[datetime] = mapped_column(UtcDateTime)
    previous: Mapped[Announcement | None] = mapped_column(AsJson(Announcement))
    changed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class LeaseRequestRow(Base):
    """The last request of a device for work that was answered with a lease, or withdrawn; one row per device.

    Attributes:
        request: What the device calls the request: random, and the same when it repeats it.
        step_key: Step that was leased; None if the device has withdrawn the request.
        attempt: Attempt that was leased; None as above.
    """

    __tablename__ = "lease_requests"

    device: Mapped[str] = mapped_column(String(64), primary_key=True)
    request: Mapped[str] = mapped_column(String(64))
    step_key: Mapped[str | None] = mapped_column(_KEY)
    attempt: Mapped[int | None]


class UploadRow(Base):
    """A file that a user has uploaded. Uploads of several users with the same bytes share one artifact."""

    __abstract__ = True

    owner: Mapped[str] = mapped_column(_USER, primary_key=True, default=LOCAL_USER)
    sha256: Mapped[str] = mapped_column(_KEY, primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class DatasetRow(UploadRow):
    """An uploaded data set. See `edgepress_api.datasets`."""

    __tablename__ = "datasets"

    media_type: Mapped[str] = mapped_column(String(100))


class ModelRow(UploadRow):
    """An uploaded Keras model, with its properties. See `edgepress_api.models`."""

    __tablename__ = "models"

    image_size: Mapped[int | None]
    classes: Mapped[int | None]
    ends_in: Mapped[Literal["probabilities", "logits"]] = mapped_column(_STATE)
    scales_pixels: Mapped[bool]
    layers: Mapped[int]


class CounterRow(Base):
    """A counter by kind of step, which outlives the steps it counts. See `steps.counters`."""

    __tablename__ = "counters"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    kind: Mapped[StepKind] = mapped_column(_STATE, primary_key=True)
    value: Mapped[float] = mapped_column(Float)


class TokenRow(Base):
    """A token. See `edgepress_api.access`."""

    __tablename__ = "tokens"

    id: Mapped[str] = mapped_column(String(12), primary_key=True)
    user: Mapped[str] = mapped_column("user_name", _USER)  # `user` is a reserved word of PostgreSQL
    scopes: Mapped[tuple[Scope, ...]] = mapped_column(AsJson(tuple[Scope, ...]))
    device: Mapped[str | None] = mapped_column(String(64))
    max_jobs: Mapped[int | None]
    max_bytes: Mapped[int | None] = mapped_column(BigInteger)
    digest: Mapped[str] = mapped_column(_KEY)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class SpentKeyRow(Base):
    """The idempotency key of a job that was deleted: sent again, it must not create another job."""

    __tablename__ = "spent_keys"

    idempotency_key: Mapped[str] = mapped_column(String(255), primary_key=True)
    job_id: Mapped[str] = mapped_column(String(40))


class IdentityRow(Base):
    """Identity of this database: one row, created with the tables. A restored backup has the same identity.

    Attributes:
        name: A UUID.
        created_at: When the database was created.
    """

    __tablename__ = "identity"

    name: Mapped[str] = mapped_column(String(36), primary_key=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
