"""``/v1/jobs/{id}/report`` and ``.../recommendation``: the comparison in the form asked for, and what to make of it."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

from edgepress_api.recommendation.document import Recommendation
from edgepress_api.report.building import build_report
from edgepress_api.report.document import Report
from edgepress_api.report.page import report_html
from edgepress_api.report.table import report_csv
from edgepress_api.web.adapters import Given
from edgepress_api.web.authorization import Reader, VisibleJob
from edgepress_api.web.negotiation import preferred
from edgepress_api.web.parameters import RecommendationQuery, ReportFormat, ReportQuery
from edgepress_api.web.responses import json_response, problems

_MEDIA_TYPES: dict[ReportFormat, str] = {"json": "application/json", "csv": "text/csv", "html": "text/html"}

router = APIRouter(tags=["jobs"])


@router.get(
    "/v1/jobs/{job_id}/report",
    response_model=Report,
    response_description="What there is so far; `complete` says whether that is all.",
    responses={
        200: {"content": {"text/csv": {"schema": {"type": "string"}}, "text/html": {"schema": {"type": "string"}}}},
        **problems("not-found", "not-acceptable", "invalid-request"),
    },
)
def show_report(
    request: Request, given: Given, _: Reader, job_id: VisibleJob, query: Annotated[ReportQuery, Query()]
) -> Response:
    """Show a job's report, as JSON, CSV or HTML."""
    format_ = query.format or _wanted(request.headers.get("accept"))
    with given.database.read() as session:
        report = build_report(session, job_id, query)
    # The same address gives another answer tomorrow, and to whoever asks for another form.
    headers = {"Vary": "Accept", "Cache-Control": "no-cache"}
    match format_:
        case "json":
            return json_response(report, headers=headers)
        case "csv":
            headers["Content-Disposition"] = f'attachment; filename="{job_id}.csv"'
            return Response(report_csv(report), headers=headers, media_type="text/csv")
        case "html":
            artifacts_url = f"{str(request.base_url).rstrip('/')}/v1/artifacts/"
            return Response(report_html(report, artifacts_url), headers=headers, media_type="text/html")


@router.get(
    "/v1/jobs/{job_id}/recommendation",
    response_model=Recommendation,
    response_description="Of what has been measured so far; no device is in it before something has.",
    responses=problems("not-found", "invalid-request"),
)
def show_recommendation(
    given: Given, _: Reader, job_id: VisibleJob, query: Annotated[RecommendationQuery, Query()]
) -> Response:
    """Say which file to ship, by the job's goals or by others, and why."""
    with given.database.read() as session:
        report = build_report(session, job_id, query)
    assert report.recommendation is not None
    return json_response(report.recommendation, headers={"Cache-Control": "no-cache"})


def _wanted(accept: str | None) -> ReportFormat:
    wanted = preferred(accept, tuple(_MEDIA_TYPES.values()))
    for format_, media_type in _MEDIA_TYPES.items():
        if media_type == wanted:
            return format_
    raise HTTPException(406, f"Accept {accept!r} takes none of what there is: {', '.join(_MEDIA_TYPES.values())}")
