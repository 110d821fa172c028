"""``/v1/comparison``: comparison of jobs."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from edgepress_api.comparison.comparing import compare_reports
from edgepress_api.report.building import build_report
from edgepress_api.web.adapters import Given
from edgepress_api.web.authorization import Reader, require_job
from edgepress_api.web.parameters import ComparisonQuery
from edgepress_api.web.responses import json_response, problems
from edgepress_common.answers.comparison import JobsComparison

router = APIRouter(tags=["jobs"])


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
