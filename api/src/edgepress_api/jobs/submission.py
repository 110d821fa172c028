"""Accepts a job: validates what its spec refers to, plans it, and stores it in one transaction."""

import hashlib
import json
import logging
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from edgepress_api.access.principal import LOCAL, Principal
from edgepress_api.access.quotas import check_job_fits
from edgepress_api.access.sealing import SecretBox
from edgepress_api.database import Database, DeviceRow, JobRow, SpentKeyRow, StepRow, WebhookRow
from edgepress_api.datasets.fingerprint import Fingerprints
from edgepress_api.jobs.asking import new_planner_job
from edgepress_api.jobs.deadline import deadline_of
from edgepress_api.jobs.estimating import estimate_plan
from edgepress_api.jobs.facets import store_facets
from edgepress_api.jobs.planning import plan_of_proposal
from edgepress_api.jobs.recipients import new_recipient
from edgepress_api.jobs.search_preview import preview_search
from edgepress_api.jobs.storing import store_plan
from edgepress_api.latency_model.targets import fitted_tables
from edgepress_api.models.fitting import check_uploaded_models
from edgepress_api.planners.registry import Planners
from edgepress_api.steps.following import note_job
from edgepress_api.steps.ledger import Ledger
from edgepress_common.answers.jobs import PlanPreview
from edgepress_common.errors import ConflictError, FieldProblem, InvalidInputError, InvalidSpecError
from edgepress_common.frozen import Frozen
from edgepress_common.plan import Plan
from edgepress_common.spec import JobSpec
from edgepress_common.spec.notify import Recipient, in_full

logger = logging.getLogger(__name__)


class _FirstPlan(Frozen):
    """The first plan of a job, and the facts that all its pipelines are planned with.

    Attributes:
        planner: The planner's name.
        plan: Its first proposal.
        fingerprint: See `JobRow.fingerprint`.
        devices: See `JobRow.devices`.
    """

    planner: str
    plan: Plan
    fingerprint: str
    devices: tuple[str, ...]


class IdempotencyError(InvalidInputError):
    """An idempotency key was used before with another spec."""


@dataclass(frozen=True)
class Submission:
    """Accepts jobs.

    Attributes:
        require_free_space: Raises `InsufficientStorageError` without enough free space for the outputs of new jobs.
        planners: The planners that create the pipelines of jobs.
        box: Encrypts the secrets of webhooks and recipients.
        check_recipients: Raises `InvalidSpecError` for recipients that this server can't send to.
    """

    database: Database
    fingerprints: Fingerprints
    ledger: Ledger
    require_free_space: Callable[[], None] = lambda: None
    planners: Planners = field(default_factory=Planners)
    box: SecretBox = field(default_factory=lambda: SecretBox(None))
    check_recipients: Callable[[Sequence[Recipient]], None] = lambda _: None

    def preview(self, spec: JobSpec, *, by: Principal = LOCAL) -> PlanPreview:
        """Return the plan of a job without storing anything.

        Raises:
            InvalidSpecError: See `submit`.
        """
        with self.database.read() as session:
            first = self._plan(session, spec, by)
            plan = first.plan
            keys = [step.key for step in plan.steps]
            done = session.scalars(select(StepRow.key).where(StepRow.key.in_(keys), StepRow.state == "succeeded")).all()
            return PlanPreview(
                plan=plan,
                done=tuple(done),
                estimate=estimate_plan(session, plan, done),
                search=preview_search(session, new_planner_job(session, spec, first.devices), plan, done),
            )

    def submit(self, spec: JobSpec, now: datetime, idempotency_key: str | None = None, *, by: Principal = LOCAL) -> str:
        """Store the job with its steps, and return its id once they are committed.

        If the same user has used the idempotency key before with the same spec, return the id of that job and store
        nothing.

        Raises:
            InvalidSpecError: The data set or an uploaded model can't be used, no device matches a selector, or a
                stage's target is a latency that can't be predicted.
            IdempotencyError: The key was used before with another spec.
            InsufficientStorageError: The artifact store is nearly full.
            QuotaError: The user has reached the limit of active jobs or stored bytes.
        """
        key = None if idempotency_key is None else _key_digest(by.user, idempotency_key)
        digest = _request_digest(spec)
        with self.database.read() as session:
            known = _earlier(session, key, digest, idempotency_key)
            if known is not None:
                return known
            first = self._plan(session, spec, by)
        self.require_free_space()
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
                spec=spec.model_copy(update={"webhook": None, "notify": ()}),  # their secrets are never shown
                created_at=now,
                deadline_at=deadline_of(spec.limits, self.ledger.rules, now),
                idempotency_key=key,
                request_digest=digest,
                planner=first.planner,
                proposed_after=0,
                fingerprint=first.fingerprint,
                devices=first.devices,
                max_bytes=by.max_bytes,
                project=spec.project,
                tags=spec.tags,
                notes=spec.notes,
            )
            session.add(job)
            session.flush()
            store_facets(session, job)
            if spec.webhook is not None:
                url, secret = spec.webhook.url, self.box.seal(spec.webhook.secret.get_secret_value())
                session.add(WebhookRow(job_number=job.number, url=url, secret=secret, state="waiting", attempts=0))
            session.add_all(new_recipient(self.box, each, job.owner, job.number) for each in spec.notify)
            note_job(session, job, now)
            store_plan(session, self.ledger, job, first.plan, now=now)
            return job.id

    def _plan(self, session: Session, spec: JobSpec, by: Principal) -> _FirstPlan:
        self.check_recipients(spec.notify)
        check_uploaded_models(session, spec, viewer=by.viewer)
        fingerprint = self.fingerprints.of(session, spec.dataset, viewer=by.viewer)
        devices = tuple(_device_names(session, spec.evaluation.devices))
        tables = fitted_tables(session, spec)
        planner = self.planners.for_spec(spec)
        try:
            proposal = planner.propose(new_planner_job(session, spec, devices), ())
            plan = plan_of_proposal(spec, proposal, fingerprint=fingerprint, devices=devices, tables=tables)
        except InvalidSpecError:
            raise
        except Exception as error:  # of another package: no reason to answer as if the gateway had failed
            logger.exception("the planner %s failed at a submission", planner.name)
            raise InvalidSpecError([_not_planned(planner.name, error)]) from error
        _check_hours(session, spec, plan)
        return _FirstPlan(planner=planner.name, plan=plan, fingerprint=fingerprint, devices=devices)


def _check_hours(session: Session, spec: JobSpec, plan: Plan) -> None:
    """Check that a search's hours are enough for its first pipelines and a trial, as far as their duration is known.

    Raises:
        InvalidSpecError: They are not.
    """
    search = spec.searched()
    if search is None or search.budget.hours is None:
        return
    keys = [step.key for step in plan.steps]
    done = session.scalars(select(StepRow.key).where(StepRow.key.in_(keys), StepRow.state == "succeeded")).all()
    needed = (estimate_plan(session, plan, done).seconds or 0.0) / 3600
    if needed >= search.budget.hours:
        raise InvalidSpecError(
            [
                FieldProblem(
                    field="search.budget.hours",
                    value=search.budget.hours,
                    message=f"is too little for a trial: the first pipelines take {needed:.2g} hours, by similar steps "
                    "on this server",
                    accepted=f"more than {needed:.2g}, several times that for a useful search, or null",
                )
            ]
        )


def _not_planned(planner: str, error: Exception) -> FieldProblem:
    return FieldProblem(
        field="pipelines",
        value=None,
        message=f"the planner {planner!r} failed: {error}",
        accepted="a spec that it can plan; the server's log has the details for its operator",
    )


def _request_digest(spec: JobSpec) -> str:
    """Return the digest of a request: the spec, and the secrets that the spec's JSON does not contain."""
    secret = "" if spec.webhook is None else f"\0{spec.webhook.secret.get_secret_value()}"
    recipients = f"\0{json.dumps([in_full(each) for each in spec.notify])}" if spec.notify else ""
    return hashlib.sha256(f"{spec.model_dump_json()}{secret}{recipients}".encode()).hexdigest()


def _key_digest(user: str, idempotency_key: str) -> str:
    return hashlib.sha256(f"{user}\0{idempotency_key}".encode()).hexdigest()


def _earlier(session: Session, key: str | None, digest: str, idempotency_key: str | None) -> str | None:
    if key is None:
        return None
    job = session.scalar(select(JobRow).where(JobRow.idempotency_key == key))
    if job is None:
        spent = session.get(SpentKeyRow, key)
        if spent is not None:
            raise ConflictError(
                f"Idempotency-Key {idempotency_key!r} was used for {spent.job_id}, which was deleted; "
                "accepted: a new key"
            )
        return None
    if job.request_digest != digest:
        raise IdempotencyError(
            f"Idempotency-Key {idempotency_key!r} was used with another spec, for {job.id}; "
            "accepted: the same spec again, or a new key"
        )
    return job.id


def _device_names(session: Session, selectors: Sequence[str]) -> list[str]:
    """Return the devices that match the selectors: a name, all devices with a label, or ``any`` as it is."""
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
                        message=f"no device has the name or label {selector!r}",
                        accepted=f"any, {', '.join(known)}" if known else "none yet: start an evaluator first",
                    )
                ]
            )
        names |= dict.fromkeys(matching)
    return list(names)
