"""``/metrics``: metrics for Prometheus."""

from fastapi import APIRouter, Request
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from starlette.responses import PlainTextResponse, Response

from edgepress_api.web.authorization import READER

router = APIRouter(tags=["operation"])


@router.get("/metrics", response_class=PlainTextResponse, dependencies=[READER])
def show_metrics(request: Request) -> Response:
    """Show the state of the work and the duration of requests in the text format of Prometheus."""
    registry = request.app.state.registry
    assert isinstance(registry, CollectorRegistry)
    return Response(generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})
