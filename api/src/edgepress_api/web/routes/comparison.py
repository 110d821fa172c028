"""``/v1/comparison``: jobs side by side."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from edgepress_api.comparison.comparing import compare_reports
from edgepress_api.comparison.document import JobsComparison
from edgepress_api.report.building import build_report
from edgepress_api.web.adapters import Given
from edgepress_api.web.authorization import Reader, require_job
from edgepress_api.web.parameters import ComparisonQuery
from edgepress_api.web.responses import json_response, problems

router = APIRouter(tags=["jobs"])


@router.get(
    "/v1/comparison",
    response_model=JobsComparison,
    response_description="By pipeline; of what each job has measured so far.",
    responses=problems("not-found", "invalid-request"),
)
def compare_jobs(given: Given, who: Reader, query: Annotated[ComparisonQuery, Query()]) -> Response:
    """Show jobs side by side, by pipeline, each held against the first."""
    with given.database.read() as session:
        for job_id in query.job:
            require_job(session, who, job_id)
        reports = [build_report(session, job_id) for job_id in query.job]
    return json_response(compare_reports(reports), headers={"Cache-Control": "no-cache"})
