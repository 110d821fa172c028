"""Puts the web side together."""

from collections.abc import Callable

from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from edgepress_api.access.principal import Principal
from edgepress_api.access.tokens import recognize
from edgepress_api.settings import ApiSettings
from edgepress_api.web.adapters import Adapters
from edgepress_api.web.authentication import Authentication
from edgepress_api.web.body_limit import BodyLimit
from edgepress_api.web.error_handlers import add_error_handlers
from edgepress_api.web.metrics import RequestMetrics, request_seconds
from edgepress_api.web.openapi import describe, operation_id
from edgepress_api.web.routes import (
    artifacts,
    bundles,
    catalogue,
    comparison,
    datasets,
    devices,
    events,
    health,
    jobs,
    metrics,
    models,
    pages,
    reports,
    static,
)
from edgepress_api.web.security_headers import SecurityHeaders
from edgepress_api.web.work_metrics import WorkCollector
from edgepress_common import __version__

_MAX_BODY_BYTES = 1 << 20  # the largest spec that is accepted, 200 pipelines with all they can have, takes half of it
_MAX_MODEL_BYTES = 2 << 30  # EfficientNet-B7 with the state of its optimizer takes 0.8 GB
_MAX_DEVICE_BODY_BYTES = 32 << 20  # a confusion matrix of 2,000 classes takes some 10 MB


def create_app(adapters: Adapters) -> FastAPI:
    """The gateway's application, working with what it is given."""
    app = FastAPI(
        title="Edgepress",
        version=__version__,
        docs_url=None,  # FastAPI's pages load their scripts from elsewhere; ours is in `routes.pages`
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=operation_id,
    )
    registry = CollectorRegistry()
    registry.register(WorkCollector(adapters.database, adapters.room))
    app.state.adapters = adapters
    app.state.registry = registry
    app.openapi = lambda: describe(app)  # type: ignore[method-assign]  # as FastAPI's documentation has it
    add_error_handlers(app)
    for resource in (
        jobs,
        events,
        reports,
        comparison,
        bundles,
        artifacts,
        datasets,
        models,
        catalogue,
        devices,
        health,
        metrics,
        pages,
        static,
    ):
        app.include_router(resource.router)
    # The last added is the outermost.
    app.add_middleware(
        BodyLimit,
        default_bytes=_MAX_BODY_BYTES,
        bytes_below={
            "/v1/datasets": adapters.settings.max_upload_bytes,
            "/v1/models": min(adapters.settings.max_upload_bytes, _MAX_MODEL_BYTES),
            "/v1/devices": _MAX_DEVICE_BODY_BYTES,
        },
    )
    app.add_middleware(Authentication, settings=adapters.settings, recognize=_recognizer(adapters))
    app.add_middleware(RequestMetrics, seconds=request_seconds(registry))
    app.add_middleware(SecurityHeaders)
    return app


def _recognizer(adapters: Adapters) -> Callable[[str], Principal | None]:
    def whom(token: str) -> Principal | None:
        with adapters.database.read() as session:
            return _with_limits(recognize(session, token, adapters.clock()), adapters.settings)

    return whom


def _with_limits(who: Principal | None, settings: ApiSettings) -> Principal | None:
    """The server's limits, where a token has none of its own; an admin's has none."""
    if who is None or who.viewer is None:
        return who
    return who.model_copy(
        update={
            "max_jobs": settings.max_jobs if who.max_jobs is None else who.max_jobs,
            "max_bytes": settings.max_bytes if who.max_bytes is None else who.max_bytes,
        }
    )
