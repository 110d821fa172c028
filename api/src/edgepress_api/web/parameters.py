"""Path and query parameters.

Queries are strict: an unknown parameter is an error.
"""

from typing import Annotated, Literal

from fastapi import Path
from pydantic import Field, JsonValue, StringConstraints

from edgepress_api.jobs.filters import JobFilters
from edgepress_api.recommendation.asking import AskedGoals
from edgepress_common.answers.pinned import JOB_ID, ComparedJobs
from edgepress_common.frozen import Frozen
from edgepress_common.spec.labels import VISIBLE

# The patterns accept only what every database can look up; other values get the same 404 as unknown names.
JobId = Annotated[str, Path(pattern=JOB_ID, description="Id of the job, as returned by POST /v1/jobs.")]
Sha256InPath = Annotated[str, Path(pattern=r"^[0-9a-f]{64}$", description="SHA-256 in lower-case hexadecimal digits.")]
StepKeyInPath = Annotated[str, Path(pattern=r"^[0-9a-f]{64}$", description="Key of the step.")]
DeviceNameInPath = Annotated[
    str, Path(pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$", description="Name: lower-case letters, digits and . _ - only.")
]
AttemptInPath = Annotated[int, Path(ge=1, lt=2**31, description="Name of the lease, as returned by the lease request.")]

# A parameter by which the type of the response changes, which a generated client would not expect.
UNDOCUMENTED: dict[str, JsonValue] = {"x-undocumented": True}
ReportFormat = Literal["json", "csv", "html"]
UploadName = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True,
        min_length=1,
        max_length=200,
        pattern=VISIBLE,
    ),
    Field(description="For people; the SHA-256 is its name for programs."),
]
PageSize = Annotated[int, Field(ge=1, le=100, description="Maximum number of entries on the page.")]
_PAGE_BEFORE = "The next_page_token of the previous page; omit it for the first page."


class JobQuery(JobFilters):
    """Query of the list of jobs."""

    page_size: PageSize = 20
    # 18 digits, as the largest number in a database has, with a digest.
    page_token: str | None = Field(default=None, max_length=36, description=_PAGE_BEFORE)

    def filters(self) -> JobFilters:
        """Return the filters alone."""
        return JobFilters(**self.model_dump(include=set(JobFilters.model_fields)))


class UploadListQuery(Frozen):
    """Query of a list of uploads."""

    page_size: PageSize = 20
    # A time of 32 characters, a SHA-256 and an owner of 64 characters, with a digest.
    page_token: str | None = Field(default=None, max_length=228, description=_PAGE_BEFORE)


class SubmitQuery(Frozen):
    """Query of the submission of a job."""

    validate_only: bool = Field(default=False, description="Return the plan of the job without storing anything.")


class UploadQuery(Frozen):
    """Query of an upload."""

    name: UploadName


class LeaseQuery(Frozen):
    """Query of a lease."""

    wait_seconds: float = Field(default=0, ge=0, le=60, description="How long to wait for an evaluation, in seconds.")


class ComparisonQuery(Frozen):
    """Query of a comparison of jobs."""

    job: ComparedJobs


class RecommendationQuery(AskedGoals):
    """Query of events."""


class ReportQuery(AskedGoals):
    """Query of a report: its format, and the goals of its recommendation."""

    format: ReportFormat | None = Field(
        default=None, description="Format of the report; overrides the header Accept.", json_schema_extra=UNDOCUMENTED
    )
