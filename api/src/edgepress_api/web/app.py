"""Creates the web application."""

import hmac
import re
from collections import Counter
from collections.abc import Callable

from asgi_correlation_id import CorrelationIdMiddleware
from fastapi import Depends, FastAPI
from prometheus_client import CollectorRegistry
from starlette.middleware.cors import CORSMiddleware

from edgepress_api.access.principal import LOCAL, Principal
from edgepress_api.access.tokens import recognize
from edgepress_api.settings import ApiSettings
from edgepress_api.web.adapters import Adapters
from edgepress_api.web.authentication import Authentication
from edgepress_api.web.error_handlers import add_error_handlers
from edgepress_api.web.http.body_headers import BodyHeaders
from edgepress_api.web.http.body_limit import BodyLimit
from edgepress_api.web.http.compression import Compression
from edgepress_api.web.http.etags import JsonETags
from edgepress_api.web.http.head import HeadAsGet
from edgepress_api.web.http.queries import refuse_repeated_parameters
from edgepress_api.web.http.security_headers import SecurityHeaders
from edgepress_api.web.lease_waits import LeaseWaits
from edgepress_api.web.metrics import RequestMetrics, request_seconds
from edgepress_api.web.openapi import describe, operation_id
from edgepress_api.web.problems import REQUEST_ID_HEADER
from edgepress_api.web.routes import (
    artifacts,
    bundles,
    catalogue,
    comparison,
    devices,
    events,
    health,
    images,
    jobs,
    metrics,
    pages,
    reports,
    sensitivity,
    static,
    uploads,
    whoami,
)
from edgepress_api.web.shared_looks import SharedLooks
from edgepress_api.web.work_metrics import WorkCollector
from edgepress_common import __version__

_MAX_BODY_BYTES = 1 << 20  # the largest accepted spec, 200 pipelines with all options written out, takes half of it
_MAX_MODEL_BYTES = 2 << 30  # EfficientNet-B7 with the state of its optimizer takes 0.8 GB
_MAX_DEVICE_BODY_BYTES = 32 << 20  # a confusion matrix of 2,000 classes takes about 10 MB


def create_app(adapters: Adapters) -> FastAPI:
    """Return the gateway's application.

    Args:
        adapters: The objects that its routes use.
    """
    app = FastAPI(
        title="Edgepress",
        version=__version__,
        openapi_url=None,  # `routes.pages` has it
        docs_url=None,  # FastAPI's own pages load scripts from other hosts; `routes.pages` has ours
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=operation_id,
        dependencies=[Depends(refuse_repeated_parameters)],
    )
    registry = CollectorRegistry()
    registry.register(WorkCollector(adapters.database, adapters.free_space))
    app.state.adapters = adapters
    app.state.registry = registry
    app.state.event_streams = Counter()
    app.state.looks = SharedLooks(adapters.database)
    app.state.lease_waits = LeaseWaits(adapters.database, adapters.is_stopping)
    app.openapi = lambda: describe(app)  # type: ignore[method-assign]  # as FastAPI's documentation has it
    add_error_handlers(app)
    for resource in (
        jobs,
        events,
        reports,
        comparison,
        bundles,
        sensitivity,
        images,
        artifacts,
        uploads,
        catalogue,
        devices,
        whoami,
        health,
        metrics,
        pages,
        static,
    ):
        app.include_router(resource.router)
    _add_middleware(app, adapters, registry)
    return app


def _add_middleware(app: FastAPI, adapters: Adapters, registry: CollectorRegistry) -> None:
    """Add the middleware. The last one added is the outermost."""
    app.add_middleware(JsonETags)
    app.add_middleware(
        BodyLimit,
        default_bytes=_MAX_BODY_BYTES,
        bytes_below={
            "/v1/datasets": adapters.settings.max_upload_bytes,
            "/v1/models": min(adapters.settings.max_upload_bytes, _MAX_MODEL_BYTES),
            "/v1/devices": _MAX_DEVICE_BODY_BYTES,
        },
    )
    app.add_middleware(BodyHeaders)
    app.add_middleware(Authentication, settings=adapters.settings, recognize=_recognizer(adapters))
    app.add_middleware(RequestMetrics, seconds=request_seconds(registry))
    app.add_middleware(Compression)
    app.add_middleware(HeadAsGet)
    if adapters.settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=adapters.settings.cors_origins,
            allow_methods=["GET", "HEAD", "POST", "DELETE"],
            allow_headers=[
                "Authorization",
                "Content-Type",
                "Idempotency-Key",
                "If-None-Match",
                "Last-Event-ID",
                "Range",
            ],
            expose_headers=["ETag", "Location", "Retry-After", "WWW-Authenticate", REQUEST_ID_HEADER],
        )
    app.add_middleware(SecurityHeaders)
    app.add_middleware(
        CorrelationIdMiddleware, header_name=REQUEST_ID_HEADER, validator=_is_request_id, update_request_header=False
    )


def _is_request_id(text: str) -> bool:
    """Return whether the id of a client or proxy is used: ids are logged, so others are replaced."""
    return re.fullmatch(r"[A-Za-z0-9._-]{1,64}", text) is not None


def _recognizer(adapters: Adapters) -> Callable[[str], Principal | None]:
    local = adapters.settings.local_token

    def principal_of(token: str) -> Principal | None:
        if local is not None and hmac.compare_digest(local.get_secret_value().encode(), token.encode()):
            return LOCAL
        with adapters.database.read() as session:
            return _with_limits(recognize(session, token, adapters.clock()), adapters.settings)

    return principal_of


def _with_limits(who: Principal | None, settings: ApiSettings) -> Principal | None:
    """Return the principal with the server's limits if its token has none; the scope admin has no limits."""
    if who is None or who.viewer is None:
        return who
    return who.model_copy(
        update={
            "max_jobs": settings.max_jobs if who.max_jobs is None else who.max_jobs,
            "max_bytes": settings.max_bytes if who.max_bytes is None else who.max_bytes,
        }
    )
