"""Time limits: the shorter of those of the spec and of the server."""

from datetime import datetime, timedelta

from edgepress_api.steps.ledger import Rules
from edgepress_common.spec import Limits


def deadline_of(limits: Limits, rules: Rules, now: datetime) -> datetime:
    """Return when a job that begins now is stopped; None for no limit."""
    return now + job_limit(limits, rules)


def job_limit(limits: Limits, rules: Rules) -> timedelta:
    """Return how long a job may take; None for no limit."""
    return _shorter(limits.job_hours, rules.max_job)


def step_limit(limits: Limits, rules: Rules) -> timedelta:
    """Return how long an attempt at a step of the job may take; None for no limit."""
    return _shorter(limits.step_hours, rules.max_step)


def _shorter(hours: float | None, most: timedelta) -> timedelta:
    return most if hours is None else min(timedelta(hours=hours), most)
