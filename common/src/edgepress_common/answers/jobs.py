"""Jobs, their pipelines and steps, events, plans and estimates."""

from datetime import datetime
from typing import Literal

from pydantic import JsonValue

from edgepress_common.answers.job_list import ImportedFrom, JobState
from edgepress_common.answers.users import LOCAL_USER, UserName
from edgepress_common.frozen import Message, added_field
from edgepress_common.messages import Outputs, Progress, StepFailure
from edgepress_common.plan import Plan
from edgepress_common.results import StepResult
from edgepress_common.steps import Role, StepKey, StepKind

StepState = Literal["waiting", "ready", "sent", "running", "succeeded", "failed", "cancelled"]


WebhookState = Literal["waiting", "due", "delivered", "failed"]


EventType = Literal["job", "plan", "pipeline", "step", "epoch"]


class StepView(Message):
    """A step of a job.

    Attributes:
        key: Id of the step. Pipelines that share a step show the same key.
        kind: Kind of work.
        title: Display name.
        state: ``waiting`` for its inputs, ``ready``, ``sent`` to a worker's queue, ``running``, or a final state.
        attempt: Number of the current or latest attempt, from 1; 0 before the first.
        device: The device that may run an evaluation: a name or ``any``; None for steps that workers run.
        holder: Worker or device that has the lease of the step.
        due_at: Deadline of the current state. A ``ready`` evaluation whose device is offline fails then, a ``sent``
            step is sent again, and a ``running`` step is given to another worker or device if no heartbeat arrives.
        progress: Progress of the current attempt.
        failure: Why the step, or its latest attempt, failed.
    """

    key: StepKey
    kind: StepKind
    title: str
    state: StepState
    attempt: int
    holder: str | None
    progress: Progress | None
    failure: StepFailure | None
    started_at: datetime | None
    finished_at: datetime | None
    device: str | None = None
    due_at: datetime | None = None


class PipelineView(Message):
    """A pipeline of a job. Its steps are in an order in which they can run."""

    name: str
    state: JobState
    steps: tuple[StepView, ...]


class WebhookView(Message):
    """The webhook of a job and the state of its delivery.

    Attributes:
        url: URL that the delivery is posted to.
        state: ``waiting`` for the job's end, ``due`` until a delivery is accepted, ``delivered``, or ``failed`` after
            the last attempt.
        attempts: Number of delivery attempts.
        due_at: Time of the next attempt.
        answer: Response to the latest attempt.
    """

    url: str
    state: WebhookState
    attempts: int
    due_at: datetime | None
    answer: str | None
    delivered_at: datetime | None


class JobView(Message):
    """A job.

    Attributes:
        owner: The user who posted the job.
        progress: Completed fraction of the job's work, 0 to 1. Steps are weighted by their expected work.
        plan_complete: Whether ``pipelines`` is the final list; False while the job's planner may add pipelines.
        imported: Where the job was imported from; None for a job of this server.
    """

    id: str
    name: str
    owner: UserName = LOCAL_USER
    state: JobState
    progress: float
    created_at: datetime
    finished_at: datetime | None
    error: str | None
    plan_complete: bool = True
    webhook: WebhookView | None = None
    pipelines: tuple[PipelineView, ...]
    project: str | None = added_field(None)
    tags: tuple[str, ...] = added_field(())
    notes: str = added_field("")
    imported: ImportedFrom | None = added_field(None)


class StepDetail(StepView):
    """A step with its inputs, outputs and result."""

    inputs: dict[Role, StepKey]
    outputs: Outputs | None
    result: StepResult | None


class Estimate(Message):
    """The expected duration of the steps that are not done.

    Attributes:
        seconds: Sum over all steps that have an estimate; None if no step has one.
        by_step: Estimate of each step, in seconds.
        unknown: Number of remaining steps without an estimate, because no similar step has run on this server.
        complete: Whether all steps of the job are counted; False if its planner may add pipelines, which are not
            estimated.
    """

    seconds: float | None
    by_step: dict[StepKey, float]
    unknown: int
    complete: bool = True


class SearchPreview(Message):
    """Preview of a search.

    Attributes:
        members: Number of members of its space.
        predicted: Number of members whose latency the device's latency model predicts already.
        ruled_out: Number of members that it expects to miss the latency limit.
        probes: Number of probes that the search would measure first.
        latency_error: Median error of the latency model, as a share; None without a model.
        seconds: Time that the search takes if all its trials take as long as the job's network, and pipelines run one
            after another; at most the hours of its budget. None as long as no similar steps have run on this server.
        words: The same in sentences.
    """

    members: int
    predicted: int
    ruled_out: int
    probes: int
    latency_error: float | None
    seconds: float | None
    words: str


class PlanPreview(Message):
    """The plan of a job that has not been posted.

    Attributes:
        plan: Steps and pipelines of the job. If the plan can grow, those that the job starts with.
        done: Steps whose results exist already; they are reused.
        estimate: Expected duration of the other steps.
        search: What its search would try; None without a search.
    """

    plan: Plan
    done: tuple[StepKey, ...]
    estimate: Estimate | None = None
    search: SearchPreview | None = added_field(None)


class JobEvent(Message):
    """An event of a job.

    Attributes:
        id: Increasing number, with gaps.
        type: ``job``, ``pipeline`` or ``step`` for a new state, ``epoch`` for a finished epoch, ``plan`` if pipelines
            were added to the job or its plan is complete.
        at: Time of the event.
        data: The new state or the measurements, depending on the type.
    """

    id: int
    type: EventType
    at: datetime
    data: dict[str, JsonValue]


class RunningStep(Message):
    """A step that a worker or a device is running."""

    key: StepKey
    title: str
    holder: str | None
    progress: Progress | None


class JobProgress(Message):
    """Current progress of a job, 0 to 1, and its running steps."""

    progress: float
    running: tuple[RunningStep, ...]
