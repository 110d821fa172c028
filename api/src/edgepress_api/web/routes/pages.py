"""The dashboard's pages, and ``/docs`` and ``/problems``: for people. They load nothing from elsewhere.

A page of the dashboard is the same for everybody: headings, empty places, and a script (``static/``) that fills them by
asking the API, with its user's token where one is wanted. So it may be read without a token, and says nothing of jobs.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from jinja2 import ChoiceLoader, PackageLoader
from starlette.responses import HTMLResponse, PlainTextResponse, Response

from edgepress_api.report.page import page_environment
from edgepress_api.web.problems import KINDS
from edgepress_api.web.responses import own_path
from edgepress_api.web.security_headers import PAGE_POLICY
from edgepress_common import __version__
from edgepress_common.errors import NotFoundError

router = APIRouter(include_in_schema=False)

_environment = page_environment()
_environment.loader = ChoiceLoader([PackageLoader("edgepress_api.web"), PackageLoader("edgepress_api.report")])


@router.get("/", response_class=HTMLResponse)
async def show_jobs(request: Request) -> Response:
    """The list of jobs."""
    return _dashboard(request, "jobs.html")


@router.get("/new", response_class=HTMLResponse)
async def show_new_job(request: Request) -> Response:
    """The form that posts a job."""
    return _dashboard(request, "new_job.html")


@router.get("/jobs/{job_id}", response_class=HTMLResponse)
async def show_job(request: Request, job_id: str) -> Response:  # noqa: ARG001 - the page's script reads it
    """A job: its steps as they go, and what to make of what they gave."""
    return _dashboard(request, "job.html")


@router.get("/jobs/{job_id}/models/{sha256}", response_class=HTMLResponse)
async def show_model(request: Request, job_id: str, sha256: str) -> Response:  # noqa: ARG001 - likewise
    """A file that a job made."""
    return _dashboard(request, "model.html")


@router.get("/devices", response_class=HTMLResponse)
async def show_devices(request: Request) -> Response:
    """Who evaluates."""
    return _dashboard(request, "devices.html")


@router.get("/compare", response_class=HTMLResponse)
async def show_comparison(request: Request) -> Response:
    """Jobs side by side."""
    return _dashboard(request, "compare.html")


@router.get("/docs", response_class=HTMLResponse)
def show_docs(request: Request) -> Response:
    """What the API takes and gives, from its OpenAPI document."""
    return HTMLResponse(_rendered(request, "docs.html", api=request.app.openapi(), kinds=KINDS.values()))


@router.get("/problems/{name}", response_class=PlainTextResponse)
def show_problem(name: Annotated[str, Path()]) -> Response:
    """What a kind of problem means: where the `type` of a problem leads."""
    kind = KINDS.get(name)
    if kind is None:
        raise NotFoundError(f"no kind of problem {name!r}; accepted: {', '.join(KINDS)}")
    return PlainTextResponse(f"{kind.title} (status {kind.status}).\n{kind.meaning}\n")


def _dashboard(request: Request, template: str) -> Response:
    return HTMLResponse(_rendered(request, template), headers=PAGE_POLICY)


def _rendered(request: Request, template: str, **content: Any) -> str:
    return _environment.get_template(template).render(**content, base=own_path(request, ""), version=__version__)
