"""Jobs in a list. These types need neither specs, plans nor results, so a client lists jobs at once."""

from datetime import datetime
from typing import Literal

from edgepress_common.answers.users import LOCAL_USER, UserName
from edgepress_common.frozen import Message

JobState = Literal["queued", "running", "succeeded", "partly_succeeded", "failed", "cancelled"]
ACTIVE_STATES: tuple[JobState, ...] = ("queued", "running")


class JobSummary(Message):
    """A job in a list."""

    id: str
    name: str
    owner: UserName = LOCAL_USER
    state: JobState
    created_at: datetime
    finished_at: datetime | None
    error: str | None


class JobPage(Message):
    """A page of jobs, newest first. ``next_page_token`` is None on the last page."""

    jobs: tuple[JobSummary, ...]
    next_page_token: str | None
