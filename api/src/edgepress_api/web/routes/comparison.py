"""``/v1/comparison``: comparison of jobs; ``/v1/comparisons``: comparisons that are kept."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query
from starlette.responses import Response

from edgepress_api.comparison.comparing import compare_reports
from edgepress_api.comparison.pinned import list_pinned, pin_comparison, show_pinned, unpin_comparison
from edgepress_api.report.building import build_report
from edgepress_api.web.adapters import Given
from edgepress_api.web.authorization import Reader, Submitter, require_job
from edgepress_api.web.bodies import check_json_body
from edgepress_api.web.parameters import ComparisonQuery
from edgepress_api.web.responses import json_response, problems
from edgepress_common.answers.comparison import JobsComparison
from edgepress_common.answers.pinned import JOB_ID, NewComparison, PinnedComparison, PinnedComparisons

router = APIRouter(tags=["jobs"])

ComparisonId = Annotated[str, Path(pattern=JOB_ID, description="Id of the pinned comparison.")]


@router.get(
    "/v1/comparison",
    response_model=JobsComparison,
    response_description="The measurements of each job so far, by pipeline.",
    responses=problems("not-found", "invalid-request"),
)
def compare_jobs(given: Given, who: Reader, query: Annotated[ComparisonQuery, Query()]) -> Response:
    """Compare jobs by pipeline. The first job is the reference."""
    with given.database.read() as session:
        for job_id in query.job:
            require_job(session, who, job_id)
        reports = [build_report(session, job_id) for job_id in query.job]
    return json_response(compare_reports(reports), headers={"Cache-Control": "no-cache"})


@router.get("/v1/comparisons", response_model=PinnedComparisons)
def list_pinned_comparisons(given: Given, who: Reader) -> Response:
    """List your pinned comparisons, the newest first. With the scope admin, list those of all users."""
    with given.database.read() as session:
        return json_response(list_pinned(session, owner=who.viewer))


@router.post(
    "/v1/comparisons",
    status_code=201,
    dependencies=[Depends(check_json_body)],
    response_model=PinnedComparison,
    response_description="Stored.",
    responses=problems("malformed-body", "not-found", "conflict", "too-large", "too-slow")
    | problems("unsupported-media-type", "invalid-request"),
)
def pin_one_comparison(given: Given, who: Submitter, new: NewComparison) -> Response:
    """Keep a comparison under a name. Its jobs are then kept beyond the server's retention time."""
    with given.database.write() as session:
        for job_id in new.jobs:
            require_job(session, who, job_id)
        pinned = pin_comparison(session, new, given.clock(), owner=who.user)
    return json_response(pinned, 201)


@router.get("/v1/comparisons/{comparison_id}", response_model=PinnedComparison, responses=problems("not-found"))
def show_pinned_comparison(given: Given, who: Reader, comparison_id: ComparisonId) -> Response:
    """Show a pinned comparison: its name and its jobs."""
    with given.database.read() as session:
        return json_response(show_pinned(session, comparison_id, owner=who.viewer))


@router.delete("/v1/comparisons/{comparison_id}", status_code=204, responses=problems("not-found"))
def unpin_one_comparison(given: Given, who: Submitter, comparison_id: ComparisonId) -> None:
    """Delete a pinned comparison. Its jobs stay."""
    with given.database.write() as session:
        unpin_comparison(session, comparison_id, owner=who.viewer)
