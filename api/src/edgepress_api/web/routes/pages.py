"""The pages of the dashboard, and ``/docs`` and ``/problems``. They load nothing from other hosts.

A page of the dashboard is the same for all users: headings, empty elements, and a script (``static/``) that fills them
from the API with the user's token, if the gateway requires one. So pages are public, and a page contains
nothing about jobs.
"""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from jinja2 import ChoiceLoader, PackageLoader
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response

from edgepress_api.report.page import page_environment
from edgepress_api.web.dashboard_pages import DASHBOARD_PAGES
from edgepress_api.web.http.security_headers import page_policy
from edgepress_api.web.negotiation import preferred
from edgepress_api.web.openapi import describe_at
from edgepress_api.web.problems import KINDS
from edgepress_api.web.report_scripts import SCRIPT_HASHES
from edgepress_api.web.responses import own_path
from edgepress_common import __version__
from edgepress_common.errors import NotFoundError

_ERROR_TYPES = ("application/json", "application/problem+json", "text/html")  # in the order of preference

# A page that opens a report, with the user's token, passes its own policy on to it.
_POLICY = page_policy(SCRIPT_HASHES)

router = APIRouter(include_in_schema=False)

_environment = page_environment()
_environment.loader = ChoiceLoader([PackageLoader("edgepress_api.web"), PackageLoader("edgepress_api.report")])


@router.get("/docs", response_class=HTMLResponse)
def show_docs(request: Request) -> Response:
    """Show the reference of the API, from its OpenAPI document."""
    return HTMLResponse(_rendered(request, "docs.html", api=request.app.openapi(), kinds=KINDS.values()))


@router.get("/openapi.json")
def show_openapi(request: Request) -> Response:
    """Show the OpenAPI document of the API."""
    return JSONResponse(describe_at(request.app, own_path(request, "")))


@router.get("/problems/{name}", response_class=PlainTextResponse)
def show_problem(name: Annotated[str, Path()]) -> Response:
    """Explain a kind of problem; the `type` of a problem is the address of this page."""
    kind = KINDS.get(name)
    if kind is None:
        raise NotFoundError(f"{name!r} is not a kind of problem; accepted: {', '.join(KINDS)}")
    return PlainTextResponse(f"{kind.title} (status {kind.status}).\n{kind.meaning}\n")


def wants_a_page(request: Request) -> bool:
    """Return whether the client prefers HTML to JSON, as browsers do when their user opens an address."""
    return preferred(request.headers.get("accept"), _ERROR_TYPES) == "text/html"


def page_not_found(request: Request) -> Response:
    """Return the page for an address that does not exist, with status 404."""
    content = _rendered(request, "not_found.html", path=request.url.path)
    return HTMLResponse(content, status_code=404, headers=_POLICY)


def _dashboard_page(template: str) -> Callable[[Request], Awaitable[Response]]:
    async def show(request: Request) -> Response:
        return HTMLResponse(_rendered(request, template), headers=_POLICY)

    return show


def _rendered(request: Request, template: str, **content: Any) -> str:
    return _environment.get_template(template).render(**content, base=own_path(request, ""), version=__version__)


for _path, _template in DASHBOARD_PAGES.items():
    router.get(_path, response_class=HTMLResponse)(_dashboard_page(_template))
