"""Names in paths and options in queries.

Queries are closed like everything else that comes in: a misspelt option is an error, not a default.
"""

from typing import Annotated, Literal

from fastapi import Path
from pydantic import Field, StringConstraints, field_validator

from edgepress_api.database.tables import JobState
from edgepress_api.recommendation.asking import AskedGoals
from edgepress_common.frozen import Frozen

# Every name is of a form that any database can look up; what is not of it gets the 404 that it would get there.
_JOB_ID = r"^[A-Za-z0-9-]{1,40}$"
JobId = Annotated[str, Path(pattern=_JOB_ID, description="As answered by POST /v1/jobs.")]
Sha256InPath = Annotated[str, Path(pattern=r"^[0-9a-f]{64}$", description="In lower-case hex.")]
StepKeyInPath = Annotated[str, Path(pattern=r"^[0-9a-f]{64}$", description="A step's key.")]
DeviceNameInPath = Annotated[
    str, Path(pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$", description="Lower-case letters, digits and . _ - only.")
]
AttemptInPath = Annotated[int, Path(ge=1, lt=2**31, description="As answered by the lease.")]

ReportFormat = Literal["json", "csv", "html"]
UploadName = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$"),
    Field(description="For people; the SHA-256 is its name for programs."),
]
PageSize = Annotated[int, Field(ge=1, le=100, description="Entries on a page at the most.")]
_PAGE_BEFORE = "The next_page_token of the page before; none for the first page."


class JobQuery(Frozen):
    """Which jobs to list."""

    page_size: PageSize = 20
    # The token of the largest number that a database can count to is 24 characters long.
    page_token: str | None = Field(default=None, max_length=24, description=_PAGE_BEFORE)
    state: JobState | None = Field(default=None, description="Only jobs in this state.")
    name: str | None = Field(default=None, max_length=200, description="Only jobs of exactly this name.")


class DatasetQuery(Frozen):
    """Which data sets to list."""

    page_size: PageSize = 20
    page_token: str | None = Field(default=None, max_length=256, description=_PAGE_BEFORE)


class ModelQuery(DatasetQuery):
    """Which models to list."""


class SubmitQuery(Frozen):
    """What to do with a spec."""

    validate_only: bool = Field(default=False, description="Answer with the plan, and store nothing.")


class UploadQuery(Frozen):
    """What to call an upload."""

    name: UploadName


class LeaseQuery(Frozen):
    """How long to wait for work."""

    wait_seconds: float = Field(default=0, ge=0, le=60, description="How long to wait until there is something to do.")


class ComparisonQuery(Frozen):
    """Which jobs to put side by side."""

    job: tuple[Annotated[str, StringConstraints(pattern=_JOB_ID)], ...] = Field(
        min_length=2, max_length=10, description="Ids, the one that others are held against first."
    )

    @field_validator("job")
    @classmethod
    def _each_once(cls, job: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(job)) != len(job):
            raise ValueError(f"names one twice: {', '.join(job)}; accepted: each once")
        return job


class RecommendationQuery(AskedGoals):
    """What to look for."""


class ReportQuery(AskedGoals):
    """In which form a report is wanted, and what it is to recommend by."""

    format: ReportFormat | None = Field(default=None, description="Instead of the header Accept.")
