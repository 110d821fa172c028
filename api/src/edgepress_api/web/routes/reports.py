"""``/v1/jobs/{id}/report`` and ``.../recommendation``: the report in several formats, and the recommended files.

OpenAPI has one path per format, so that a generated client knows the type of each response. The path without a suffix
responds with the other formats as well, by ``Accept`` or ``format``.
"""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, Response

from edgepress_api.recommendation.asking import AskedGoals
from edgepress_api.report.building import build_report
from edgepress_api.report.charts.sections import job_charts
from edgepress_api.report.page import report_html
from edgepress_api.report.search import report_search
from edgepress_api.report.table import report_csv
from edgepress_api.web.adapters import Adapters, Given
from edgepress_api.web.authorization import Reader, VisibleJob
from edgepress_api.web.http.security_headers import report_policy
from edgepress_api.web.negotiation import preferred
from edgepress_api.web.parameters import RecommendationQuery, ReportFormat, ReportQuery
from edgepress_api.web.report_scripts import REPORT_SCRIPTS, SCRIPT_HASHES
from edgepress_api.web.responses import CsvResponse, json_response, problems
from edgepress_common.answers.charts import JobCharts
from edgepress_common.answers.recommendation import Recommendation
from edgepress_common.answers.report import Report

_MEDIA_TYPES: dict[ReportFormat, str] = {"json": "application/json", "csv": "text/csv", "html": "text/html"}
_SO_FAR = "The measurements so far; `complete` is true when the job has ended."

router = APIRouter(tags=["jobs"])


@router.get(
    "/v1/jobs/{job_id}/report",
    response_model=Report,
    response_description=_SO_FAR,
    responses=problems("not-found", "not-acceptable", "invalid-request"),
)
def show_report(
    request: Request, given: Given, _: Reader, job_id: VisibleJob, query: Annotated[ReportQuery, Query()]
) -> Response:
    """Show a job's report. It is also available as CSV and as HTML, at `report.csv` and `report.html`."""
    format_ = query.format or _wanted(request.headers.get("accept"))
    return _report(request, given, job_id, query, format_)


@router.get(
    "/v1/jobs/{job_id}/report.csv",
    response_class=CsvResponse,
    response_description="The measurements so far, one file on one device per line.",
    responses=problems("not-found", "invalid-request"),
)
def show_report_as_csv(
    request: Request, given: Given, _: Reader, job_id: VisibleJob, query: Annotated[RecommendationQuery, Query()]
) -> Response:
    """Show a job's report as CSV."""
    return _report(request, given, job_id, query, "csv")


@router.get(
    "/v1/jobs/{job_id}/report.html",
    response_class=HTMLResponse,
    response_description="A page with tables and charts of the measurements so far.",
    responses=problems("not-found", "invalid-request"),
)
def show_report_as_html(
    request: Request, given: Given, _: Reader, job_id: VisibleJob, query: Annotated[RecommendationQuery, Query()]
) -> Response:
    """Show a job's report as HTML."""
    return _report(request, given, job_id, query, "html")


@router.get(
    "/v1/jobs/{job_id}/recommendation",
    response_model=Recommendation,
    response_description="Based on the measurements so far; a device without measurements is not listed.",
    responses=problems("not-found", "invalid-request"),
)
def show_recommendation(
    given: Given, _: Reader, job_id: VisibleJob, query: Annotated[RecommendationQuery, Query()]
) -> Response:
    """Recommend which file to ship to each device, by the goals of the spec or of the query."""
    with given.database.read() as session:
        report = build_report(session, job_id, query)
    assert report.recommendation is not None
    return json_response(report.recommendation, headers={"Cache-Control": "no-cache"})


@router.get(
    "/v1/jobs/{job_id}/charts",
    response_model=JobCharts,
    response_description="Based on the measurements so far.",
    responses=problems("not-found", "invalid-request"),
)
def show_charts(
    given: Given, _: Reader, job_id: VisibleJob, query: Annotated[RecommendationQuery, Query()]
) -> Response:
    """Show the charts of a job's report as data, by the goals of the spec or of the query."""
    with given.database.read() as session:
        report = build_report(session, job_id, query)
    return json_response(job_charts(report), headers={"Cache-Control": "no-cache"})


def _report(request: Request, given: Adapters, job_id: str, goals: AskedGoals, format_: ReportFormat) -> Response:
    with given.database.read() as session:
        report = build_report(session, job_id, goals)
        has_search = format_ == "html" and report.spec.search is not None
        search = report_search(session, job_id) if has_search else None
    # The response changes while the job runs, and with the requested format.
    headers = {"Vary": "Accept", "Cache-Control": "no-cache"}
    match format_:
        case "json":
            return json_response(report, headers=headers)
        case "csv":
            headers["Content-Disposition"] = f'attachment; filename="{job_id}.csv"'
            return CsvResponse(report_csv(report), headers=headers)
        case "html":
            artifacts_url = f"{str(request.base_url).rstrip('/')}/v1/artifacts/"
            page = report_html(report, artifacts_url, search=search, scripts=REPORT_SCRIPTS)
            return HTMLResponse(page, headers=headers | report_policy(SCRIPT_HASHES))


def _wanted(accept: str | None) -> ReportFormat:
    wanted = preferred(accept, tuple(_MEDIA_TYPES.values()))
    for format_, media_type in _MEDIA_TYPES.items():
        if media_type == wanted:
            return format_
    raise HTTPException(
        406, f"Accept {accept!r} does not match an available format; accepted: {', '.join(_MEDIA_TYPES.values())}"
    )
