"""Jobs in a list. These types need neither specs, plans nor results, so a client lists jobs at once."""

from datetime import datetime
from typing import Literal

from edgepress_common.answers.users import LOCAL_USER, UserName
from edgepress_common.frozen import Message, added_field

JobState = Literal["queued", "running", "succeeded", "partly_succeeded", "failed", "cancelled"]
ACTIVE_STATES: tuple[JobState, ...] = ("queued", "running")


FacetKind = Literal["project", "tag", "network", "dataset", "device"]


class JobSummary(Message):
    """A job in a list. ``project`` and ``tags`` are its current ones, which may differ from those of its spec."""

    id: str
    name: str
    owner: UserName = LOCAL_USER
    state: JobState
    created_at: datetime
    finished_at: datetime | None
    error: str | None
    project: str | None = added_field(None)
    tags: tuple[str, ...] = added_field(())


class JobPage(Message):
    """A page of jobs, newest first. ``next_page_token`` is None on the last page."""

    jobs: tuple[JobSummary, ...]
    next_page_token: str | None


class Facet(Message):
    """A value by which jobs can be listed, and the number of jobs that have it."""

    kind: FacetKind
    value: str
    jobs: int


class Facets(Message):
    """The values by which jobs can be listed, by kind; the most frequent first."""

    facets: tuple[Facet, ...]
