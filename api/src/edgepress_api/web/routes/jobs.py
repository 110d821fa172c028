"""``/v1/jobs`` and ``/v1/steps``."""

from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Request
from starlette.responses import Response

from edgepress_api.jobs.discarding import discard_result
from edgepress_api.jobs.ending import cancel_job, delete_job, retry_job
from edgepress_api.jobs.extending import extend_search
from edgepress_api.jobs.facets import change_labels, list_facets
from edgepress_api.jobs.planned import show_plan
from edgepress_api.jobs.spec_view import show_spec
from edgepress_api.jobs.trials import show_trials
from edgepress_api.jobs.views import list_jobs, show_job, show_step
from edgepress_api.report.search import report_search
from edgepress_api.web.adapters import Adapters, Given
from edgepress_api.web.authorization import Reader, Submitter, VisibleJob, VisibleStep
from edgepress_api.web.bodies import JSON_TYPES, YAML_TYPES, PostedSpec, check_json_body
from edgepress_api.web.parameters import JobQuery, SubmitQuery
from edgepress_api.web.responses import json_response, own_path, problems
from edgepress_common.answers.job_list import ACTIVE_STATES, Facets, JobPage
from edgepress_common.answers.jobs import JobView, PlanPreview, StepDetail
from edgepress_common.answers.search_analysis import SearchAnalysis
from edgepress_common.answers.trials import TrialsView
from edgepress_common.plan import Plan
from edgepress_common.spec import JobSpec
from edgepress_common.spec.labels import JobLabels
from edgepress_common.spec.search import SearchExtension

# A step takes at least seconds, so polling more often gives no new information.
POLL_SECONDS = 2

router = APIRouter(tags=["jobs"])

_SPEC = {"schema": {"$ref": "#/components/schemas/JobSpec"}}
_LOCATION = {"description": "Path of the job.", "schema": {"type": "string"}}
_RETRY_AFTER = {
    "description": "Seconds after which to poll again; absent once the job has ended.",
    "schema": {"type": "integer"},
}

IdempotencyKey = Annotated[
    str | None,
    Header(
        min_length=1,
        max_length=255,
        pattern=r"^[ -~]+$",
        description="A unique text that you choose, such as a UUID. A repeated request with the same key and spec "
        "returns the job that was accepted the first time.",
    ),
]


@router.post(
    "/v1/jobs",
    status_code=202,
    response_model=JobView,
    response_description="Accepted: the job is planned and stored. Its address is in Location.",
    responses={
        200: {"model": PlanPreview, "description": "The plan of the job, with validate_only; nothing is stored."},
        202: {"headers": {"Location": _LOCATION, "Retry-After": _RETRY_AFTER}},
        **problems(
            "malformed-body",
            "too-large",
            "too-slow",
            "unsupported-media-type",
            "invalid-spec",
            "idempotency-key-reused",
        ),
        **problems("too-many-jobs", "storage-quota", "unavailable"),
    },
    openapi_extra={
        "requestBody": {
            "required": True,
            "description": "A spec.",
            "content": {JSON_TYPES[0]: _SPEC, YAML_TYPES[0]: _SPEC},
        }
    },
)
def submit_job(
    request: Request,
    given: Given,
    who: Submitter,
    spec: PostedSpec,
    query: Annotated[SubmitQuery, Query()],
    *,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Submit a job."""
    if query.validate_only:
        return json_response(given.submission.preview(spec, by=who))
    job_id = given.submission.submit(spec, given.clock(), idempotency_key, by=who)
    return _shown(given, job_id, 202, {"Location": own_path(request, f"/v1/jobs/{job_id}")})


@router.get("/v1/jobs", response_model=JobPage, responses=problems("invalid-request"))
def list_all_jobs(given: Given, who: Reader, query: Annotated[JobQuery, Query()]) -> Response:
    """List your jobs, the newest first. With the scope admin, list the jobs of all users."""
    with given.database.read() as session:
        size, token = query.page_size, query.page_token
        page = list_jobs(session, owner=who.viewer, page_size=size, page_token=token, filters=query.filters())
    return json_response(page)


@router.get("/v1/facets", response_model=Facets)
def list_job_facets(given: Given, who: Reader) -> Response:
    """List the projects, tags, networks, data sets and devices of your jobs, with the number of jobs of each."""
    with given.database.read() as session:
        return json_response(list_facets(session, owner=who.viewer))


@router.get(
    "/v1/jobs/{job_id}",
    response_model=JobView,
    responses={200: {"headers": {"Retry-After": _RETRY_AFTER}}, **problems("not-found")},
)
def show_one_job(given: Given, _: Reader, job_id: VisibleJob) -> Response:
    """Show a job with its pipelines and steps."""
    return _shown(given, job_id, 200)


@router.get("/v1/jobs/{job_id}/spec", response_model=JobSpec, responses=problems("not-found"))
def show_job_spec(given: Given, _: Reader, job_id: VisibleJob) -> Response:
    """Show a job's spec, with every default written out."""
    with given.database.read() as session:
        return json_response(show_spec(session, job_id))


@router.get("/v1/jobs/{job_id}/plan", response_model=Plan, responses=problems("not-found"))
def show_job_plan(given: Given, _: Reader, job_id: VisibleJob) -> Response:
    """Show a job's plan: its steps, with their parameters and inputs, as a graph."""
    with given.database.read() as session:
        return json_response(show_plan(session, job_id))


@router.get("/v1/jobs/{job_id}/trials", response_model=TrialsView, responses=problems("not-found"))
def show_job_trials(given: Given, _: Reader, job_id: VisibleJob) -> Response:
    """Show the trials of a job's search, its winner, and the price of each limit."""
    with given.database.read() as session:
        return json_response(show_trials(session, job_id))


@router.get("/v1/jobs/{job_id}/trials/analysis", response_model=SearchAnalysis, responses=problems("not-found"))
def analyse_job_trials(given: Given, _: Reader, job_id: VisibleJob) -> Response:
    """Show the growth of a search's Pareto front, the importance of each choice, and charts of the trials."""
    with given.database.read() as session:
        return json_response(report_search(session, job_id).analysis)


@router.post(
    "/v1/jobs/{job_id}/extend",
    status_code=202,
    dependencies=[Depends(check_json_body)],
    response_model=JobView,
    responses={
        202: {"headers": {"Retry-After": _RETRY_AFTER}},
        **problems("malformed-body", "not-found", "conflict", "too-large", "too-slow", "unsupported-media-type"),
        **problems("invalid-request", "too-many-jobs", "storage-quota"),
    },
)
def extend_one_search(given: Given, who: Submitter, job_id: VisibleJob, extension: SearchExtension) -> Response:
    """Extend the budget of a job's search, or change its space. All trials so far are kept."""
    extend_search(given.database, given.ledger, job_id, extension, given.clock(), by=who)
    return _shown(given, job_id, 202)


@router.post("/v1/jobs/{job_id}/cancel", response_model=JobView, responses=problems("not-found", "conflict"))
def cancel_one_job(given: Given, _: Submitter, job_id: VisibleJob) -> Response:
    """Cancel a job. Results of finished steps are kept."""
    cancel_job(given.database, given.ledger, job_id, given.clock())
    return _shown(given, job_id, 200)


@router.post(
    "/v1/jobs/{job_id}/retry",
    status_code=202,
    response_model=JobView,
    responses={
        202: {"headers": {"Retry-After": _RETRY_AFTER}},
        **problems("not-found", "conflict", "too-many-jobs", "storage-quota"),
    },
)
def retry_one_job(given: Given, who: Submitter, job_id: VisibleJob) -> Response:
    """Run the failed and cancelled steps of a job again. Results of finished steps are kept."""
    retry_job(given.database, given.ledger, job_id, given.clock(), by=who)
    return _shown(given, job_id, 202)


@router.put(
    "/v1/jobs/{job_id}/labels",
    dependencies=[Depends(check_json_body)],
    response_model=JobView,
    responses=problems(
        "malformed-body", "not-found", "too-large", "too-slow", "unsupported-media-type", "invalid-request"
    ),
)
def replace_job_labels(given: Given, _: Submitter, job_id: VisibleJob, labels: JobLabels) -> Response:
    """Replace a job's project, tags and notes. Its spec keeps those that it was posted with."""
    with given.database.write() as session:
        change_labels(session, job_id, labels)
    return _shown(given, job_id, 200)


@router.delete("/v1/jobs/{job_id}", status_code=204, responses=problems("not-found", "conflict"))
def delete_one_job(given: Given, _: Submitter, job_id: VisibleJob) -> None:
    """Delete a job that has ended. Garbage collection then deletes the steps and artifacts that no other job needs."""
    delete_job(given.database, job_id)


@router.get("/v1/steps/{key}", response_model=StepDetail, responses=problems("not-found"))
def show_one_step(given: Given, _: Reader, key: VisibleStep) -> Response:
    """Show a step with its inputs, artifacts and result."""
    with given.database.read() as session:
        return json_response(show_step(session, key))


@router.delete(
    "/v1/steps/{key}/result", status_code=202, response_model=StepDetail, responses=problems("not-found", "conflict")
)
def discard_step_result(given: Given, _: Submitter, key: VisibleStep) -> Response:
    """Discard the result of an evaluation, and measure again. Jobs that use it become active until that is done."""
    discard_result(given.database, given.ledger, key, given.clock())
    with given.database.read() as session:
        return json_response(show_step(session, key), 202)


def _shown(given: Adapters, job_id: str, status: int, headers: dict[str, str] | None = None) -> Response:
    with given.database.read() as session:
        job = show_job(session, job_id)
    retry = {"Retry-After": str(POLL_SECONDS)} if job.state in ACTIVE_STATES else {}
    return json_response(job, status, {**(headers or {}), **retry})
