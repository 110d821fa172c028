"""What a spec and the server allow, in time: the shorter of the two."""

from datetime import datetime, timedelta

from edgepress_api.steps.ledger import Rules
from edgepress_common.spec import Limits


def deadline_of(limits: Limits, rules: Rules, now: datetime) -> datetime:
    """When a job that begins now is ended."""
    return now + job_limit(limits, rules)


def job_limit(limits: Limits, rules: Rules) -> timedelta:
    """How long a job may take."""
    return _shorter(limits.job_hours, rules.max_job)


def step_limit(limits: Limits, rules: Rules) -> timedelta:
    """How long an attempt at a step of the job may take."""
    return _shorter(limits.step_hours, rules.max_step)


def _shorter(hours: float | None, most: timedelta) -> timedelta:
    return most if hours is None else min(timedelta(hours=hours), most)
