"""``/``, ``/docs`` and ``/problems``: pages for people. They load nothing from elsewhere and run no script."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from jinja2 import ChoiceLoader, PackageLoader
from starlette.responses import HTMLResponse, PlainTextResponse, Response

from edgepress_api.devices.listing import list_devices
from edgepress_api.jobs.views import list_jobs
from edgepress_api.report.page import page_environment
from edgepress_api.web.adapters import Given
from edgepress_api.web.authorization import Reader
from edgepress_api.web.problems import KINDS
from edgepress_api.web.responses import own_path
from edgepress_common import __version__
from edgepress_common.errors import NotFoundError

_RECENT_JOBS = 20

router = APIRouter(include_in_schema=False)

_environment = page_environment()
_environment.loader = ChoiceLoader([PackageLoader("edgepress_api.web"), PackageLoader("edgepress_api.report")])


@router.get("/", response_class=HTMLResponse)
def show_home(request: Request, given: Given, who: Reader) -> Response:
    """The latest jobs, and the devices."""
    with given.database.read() as session:
        jobs = list_jobs(session, owner=who.viewer, page_size=_RECENT_JOBS)
        devices = list_devices(session, given.clock())
    return _page(request, "home.html", jobs=jobs.jobs, devices=devices, server=str(request.base_url).rstrip("/"))


@router.get("/docs", response_class=HTMLResponse)
def show_docs(request: Request) -> Response:
    """What the API takes and gives, from its OpenAPI document."""
    return _page(request, "docs.html", api=request.app.openapi(), kinds=KINDS.values())


@router.get("/problems/{name}", response_class=PlainTextResponse)
def show_problem(name: Annotated[str, Path()]) -> Response:
    """What a kind of problem means: where the `type` of a problem leads."""
    kind = KINDS.get(name)
    if kind is None:
        raise NotFoundError(f"no kind of problem {name!r}; accepted: {', '.join(KINDS)}")
    return PlainTextResponse(f"{kind.title} (status {kind.status}).\n{kind.meaning}\n")


def _page(request: Request, name: str, **content: Any) -> Response:
    template = _environment.get_template(name)
    return HTMLResponse(template.render(**content, base=own_path(request, ""), version=__version__))
