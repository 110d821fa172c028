"""Pinned comparisons: comparisons of jobs that are kept under a name."""

from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

from edgepress_common.answers.job_list import JobSummary
from edgepress_common.answers.users import UserName
from edgepress_common.frozen import Frozen, Message
from edgepress_common.spec.labels import VISIBLE

JOB_ID = r"^[A-Za-z0-9-]{1,40}$"
MOST_COMPARED = 10


def _each_once(jobs: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(jobs)) != len(jobs):
        raise ValueError(f"names one twice: {', '.join(jobs)}; accepted: each once")
    return jobs


ComparedJobs = Annotated[
    tuple[Annotated[str, StringConstraints(pattern=JOB_ID)], ...],
    Field(
        min_length=2,
        max_length=MOST_COMPARED,
        description="Ids of the jobs to compare; the first is the reference.",
    ),
    AfterValidator(_each_once),
]


class NewComparison(Frozen):
    """A comparison to keep."""

    name: Annotated[
        str,
        StringConstraints(strip_whitespace=True, min_length=1, max_length=100, pattern=VISIBLE),
    ] = Field(description="Name of the comparison.")
    jobs: ComparedJobs


class PinnedComparison(Message):
    """A comparison that is kept.

    Attributes:
        id: Its id; its page is `/comparisons/{id}`.
        name: Its name.
        owner: The user who pinned it.
        created_at: When it was pinned.
        jobs: Its jobs, the reference first. Deleted jobs are left out, so that there may be fewer than two.
    """

    id: str
    name: str
    owner: UserName
    created_at: datetime
    jobs: tuple[JobSummary, ...]


class PinnedComparisons(Message):
    """All pinned comparisons of a user, the newest first."""

    comparisons: tuple[PinnedComparison, ...]
