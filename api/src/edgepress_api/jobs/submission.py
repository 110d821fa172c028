"""Accepting a job: looking at what it names, planning it, storing it whole or not at all."""

import hashlib
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from edgepress_api.access.principal import LOCAL, Principal
from edgepress_api.access.quotas import check_job_fits
from edgepress_api.database import (
    Database,
    DeviceRow,
    JobRow,
    PipelineRow,
    PipelineStepRow,
    StepInputRow,
    StepRow,
    WebhookRow,
)
from edgepress_api.datasets.fingerprint import Fingerprints
from edgepress_api.jobs.deadline import deadline_of
from edgepress_api.jobs.estimating import Estimate, estimate_plan
from edgepress_api.jobs.following import follow_steps, note_job
from edgepress_api.jobs.progress import step_weight
from edgepress_api.models.fitting import check_uploaded_models
from edgepress_api.steps.ledger import Ledger
from edgepress_common.errors import FieldProblem, InvalidInputError, InvalidSpecError
from edgepress_common.frozen import Frozen
from edgepress_common.plan import Plan, make_plan
from edgepress_common.spec import JobSpec
from edgepress_common.steps import EvaluationStep, Step, StepKey


class PlanPreview(Frozen):
    """What a job would do.

    Attributes:
        plan: All its steps, and which pipeline needs which.
        done: Those that have been done before, and would not be done again.
        estimate: How long the others may take.
    """

    plan: Plan
    done: tuple[StepKey, ...]
    estimate: Estimate | None = None


class IdempotencyError(InvalidInputError):
    """An idempotency key was used before, for something else."""


@dataclass(frozen=True)
class Submission:
    """Accepts jobs.

    Attributes:
        require_room: Raises `NoRoomError` when there is no room for what new jobs give.
    """

    database: Database
    fingerprints: Fingerprints
    ledger: Ledger
    require_room: Callable[[], None] = lambda: None

    def preview(self, spec: JobSpec, *, by: Principal = LOCAL) -> PlanPreview:
        """What the job would do, with nothing stored.

        Raises:
            InvalidSpecError: See `submit`.
        """
        with self.database.read() as session:
            plan = self._plan(session, spec, by)
            keys = [step.key for step in plan.steps]
            done = session.scalars(select(StepRow.key).where(StepRow.key.in_(keys), StepRow.state == "succeeded")).all()
            return PlanPreview(plan=plan, done=tuple(done), estimate=estimate_plan(session, plan, done))

    def submit(self, spec: JobSpec, now: datetime, idempotency_key: str | None = None, *, by: Principal = LOCAL) -> str:
        """Stores the job with its steps, and answers its id once that is committed.

        With an idempotency key that the same user has used before for the same spec, answers that job's id and stores
        nothing.

        Raises:
            InvalidSpecError: The data set or an uploaded model can't be used, or nobody serves a device.
            IdempotencyError: The key was used before for another spec.
            NoRoomError: The artifact store is nearly full.
            QuotaError: The user has as much as they may.
        """
        key = None if idempotency_key is None else _key_digest(by.user, idempotency_key)
        digest = hashlib.sha256(spec.model_dump_json().encode()).hexdigest()
        with self.database.read() as session:
            known = _earlier(session, key, digest, idempotency_key)
            if known is not None:
                return known
            plan = self._plan(session, spec, by)
        self.require_room()
        with self.database.write() as session:
            known = _earlier(session, key, digest, idempotency_key)
            if known is not None:
                return known
            check_job_fits(session, by)
            job = JobRow(
                id=f"job-{secrets.token_hex(8)}",
                name=spec.name,
                owner=by.user,
                state="queued",
                spec=spec.model_copy(update={"webhook": None}),  # its secret is shown to nobody
                created_at=now,
                deadline_at=deadline_of(spec.limits, self.ledger.rules, now),
                idempotency_key=key,
                request_digest=digest,
            )
            session.add(job)
            session.flush()
            if spec.webhook is not None:
                url, secret = spec.webhook.url, spec.webhook.secret.get_secret_value()
                session.add(WebhookRow(job_number=job.number, url=url, secret=secret, state="waiting", attempts=0))
            steps = [_stored_step(session, step, now) for step in plan.steps]
            session.flush()
            for position, pipeline in enumerate(plan.pipelines):
                row = PipelineRow(position=position, name=pipeline.name, state="queued")
                row.steps = [PipelineStepRow(position=at, step_key=key) for at, key in enumerate(pipeline.steps)]
                job.pipelines.append(row)
            session.flush()
            note_job(session, job, now)
            self.ledger.want(session, steps, now)
            follow_steps(session, steps, now)
            return job.id

    def _plan(self, session: Session, spec: JobSpec, by: Principal) -> Plan:
        check_uploaded_models(session, spec, viewer=by.viewer)
        fingerprint = self.fingerprints.of(session, spec.dataset, viewer=by.viewer)
        return make_plan(spec, fingerprint=fingerprint, devices=_device_names(session, spec.evaluation.devices))


def _key_digest(user: str, idempotency_key: str) -> str:
    return hashlib.sha256(f"{user}\0{idempotency_key}".encode()).hexdigest()


def _earlier(session: Session, key: str | None, digest: str, idempotency_key: str | None) -> str | None:
    if key is None:
        return None
    job = session.scalar(select(JobRow).where(JobRow.idempotency_key == key))
    if job is None:
        return None
    if job.request_digest != digest:
        raise IdempotencyError(
            f"Idempotency-Key {idempotency_key!r} was used for another spec, as {job.id}; "
            "accepted: the same spec again, or a new key"
        )
    return job.id


def _device_names(session: Session, selectors: Sequence[str]) -> list[str]:
    """The devices that selectors stand for: a name for itself, a label for all that bear it, ``any`` for itself."""
    devices = {row.name: row.announcement.labels for row in session.scalars(select(DeviceRow).order_by(DeviceRow.name))}
    names: dict[str, None] = {}
    for position, selector in enumerate(selectors):
        if selector == "any":
            matching = ["any"] if devices else []
        elif selector in devices:
            matching = [selector]
        else:
            matching = [name for name, labels in devices.items() if selector in labels]
        if not matching:
            known = sorted({*devices, *(label for labels in devices.values() for label in labels)})
            raise InvalidSpecError(
                [
                    FieldProblem(
                        field=f"evaluation.devices[{position}]",
                        value=selector,
                        message=f"nobody serves a device of the name or label {selector!r}",
                        accepted=f"any, {', '.join(known)}" if known else "none yet: start an evaluator first",
                    )
                ]
            )
        names |= dict.fromkeys(matching)
    return list(names)


def _stored_step(session: Session, step: Step, now: datetime) -> StepRow:
    row = session.get(StepRow, step.key)
    if row is None:
        device = step.parameters.device if isinstance(step.parameters, EvaluationStep) else None
        row = StepRow(
            key=step.key,
            kind=step.kind,
            title=step.title,
            parameters=step.parameters,
            device=device,
            weight=step_weight(step),
            state="waiting",
            attempt=0,
            failures=0,
            sends=0,
            created_at=now,
        )
        session.add(row)
        session.flush()
        session.add_all(StepInputRow(step_key=step.key, role=role, input_key=key) for role, key in step.inputs.items())
    return row
