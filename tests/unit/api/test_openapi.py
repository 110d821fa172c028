"""The API's description: valid, complete, and true."""

import re
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from openapi_spec_validator import validate
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS, load_all_checks

from edgepress_api.web.app import create_app
from fakes.gateway_app import GatewayApp, sqlite_gateway

TRIED_OFTEN = settings(
    max_examples=8,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)

# Of the design's contract.
CONTRACT = {
    "POST /v1/jobs", "GET /v1/jobs", "GET /v1/jobs/{job_id}", "GET /v1/jobs/{job_id}/events",
    "POST /v1/jobs/{job_id}/cancel", "POST /v1/jobs/{job_id}/retry", "DELETE /v1/jobs/{job_id}",
    "GET /v1/jobs/{job_id}/report", "GET /v1/artifacts/{sha256}", "POST /v1/datasets", "GET /v1/datasets",
    "POST /v1/models", "GET /v1/models",
    "POST /v1/devices/{name}/lease", "POST /v1/devices/{name}/leases/{step_key}/{attempt}/renew",
    "POST /v1/devices/{name}/leases/{step_key}/{attempt}/finish",
    "POST /v1/devices/{name}/leases/{step_key}/{attempt}/fail",
    "GET /v1/methods", "GET /v1/exports", "GET /v1/architectures", "GET /v1/devices", "GET /health/live",
    "GET /health/ready", "GET /metrics",
}  # fmt: skip


@pytest.fixture
def gateway(tmp_path: Path) -> GatewayApp:
    """A gateway."""
    return sqlite_gateway(tmp_path)


def operations(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Each operation by method and path."""
    return {
        f"{method.upper()} {path}": operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }


def test_the_document_is_valid_and_has_the_contract(gateway: GatewayApp) -> None:
    """By OpenAPI's own schema."""
    document = gateway.client.get("/openapi.json").json()
    validate(document)
    assert set(operations(document)) >= CONTRACT


def test_operations_have_names_that_a_client_can_have(gateway: GatewayApp) -> None:
    """Each once, and a description."""
    found = operations(gateway.client.get("/openapi.json").json()).values()
    names = [operation["operationId"] for operation in found]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)+", name) for name in names)
    assert all(operation["description"] and operation["tags"] for operation in found)


def test_every_error_is_described_as_a_problem(gateway: GatewayApp) -> None:
    """And none as what FastAPI would answer by itself."""
    document = gateway.client.get("/openapi.json").json()
    problem = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for name, operation in operations(document).items():
        for status, response in operation["responses"].items():
            if status == "default" or int(status) >= 400:
                assert response["content"] == problem, (name, status)
    assert not [name for name in document["components"]["schemas"] if "ValidationError" in name]


def test_a_spec_is_described_in_both_forms(gateway: GatewayApp) -> None:
    """By the schema that it is validated with."""
    body = operations(gateway.client.get("/openapi.json").json())["POST /v1/jobs"]["requestBody"]
    spec = {"schema": {"$ref": "#/components/schemas/JobSpec"}}
    assert body["content"] == {"application/json": spec, "application/yaml": spec}


def test_the_document_names_the_prefix_of_a_proxy(tmp_path: Path) -> None:
    """Which a generated client must know."""
    gateway = sqlite_gateway(tmp_path, root_path="/edgepress")
    assert gateway.client.get("/openapi.json").json()["servers"] == [{"url": "/edgepress"}]


CHECKED = (
    "not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance",
    "response_headers_conformance",
)  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("mode", list(GenerationMode))
def test_nothing_that_can_be_sent_is_answered_otherwise_than_described(
    gateway: GatewayApp, mode: GenerationMode
) -> None:
    """Fitting or not: no status, type or form that the document does not have, and no fault of the server."""
    job_id = gateway.finished_job()
    gateway.is_stopping = True  # streams and long polls end at once
    load_all_checks()
    checks = [CHECKS.get_one(name) for name in CHECKED]
    tried = 0

    def check(case: Any) -> None:
        nonlocal tried
        tried += 1
        if case.method == "GET" and tried % 2 and "job_id" in case.path_parameters:
            case.path_parameters["job_id"] = job_id
        case.validate_response(case.call(headers=key), checks=checks)

    key = {"Authorization": f"Bearer {gateway.token('local', 'admin')}"}
    schema = schemathesis.openapi.from_asgi("/openapi.json", create_app(gateway.adapters), headers=key)
    for found in schema.get_all_operations():
        with suppress(Unsatisfiable):  # nothing can be wrong with a request that has no parameters
            requests = given(case=found.ok().as_strategy(generation_mode=mode))
            TRIED_OFTEN(requests(check))()
    assert tried > 100
