"""The API's description: valid, complete, and true."""

import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS, load_all_checks

from edgepress_api.web.app import create_app
from edgepress_common.pattern_words import pattern_in_words
from fakes.gateway_app import GatewayApp, sqlite_gateway
from fakes.zip_beginning import zip_of_bytes

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
    "GET /v1/methods", "GET /v1/exports", "GET /v1/architectures", "GET /v1/figures", "GET /v1/devices",
    "GET /health/live", "GET /health/ready", "GET /metrics",
}  # fmt: skip


@pytest.fixture
def gateway(tmp_path: Path) -> GatewayApp:
    """A gateway."""
    return sqlite_gateway(tmp_path)


def operations(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return each operation by method and path."""
    return {
        f"{method.upper()} {path}": operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }


@pytest.mark.slow
def test_the_document_is_valid_and_has_the_contract(gateway: GatewayApp) -> None:
    """The document conforms to OpenAPI's own schema."""
    document = gateway.client.get("/openapi.json").json()
    validate(document)
    assert set(operations(document)) >= CONTRACT


def test_operations_have_names_that_a_client_can_have(gateway: GatewayApp) -> None:
    """Each name is unique, and each operation has a description."""
    found = operations(gateway.client.get("/openapi.json").json()).values()
    names = [operation["operationId"] for operation in found]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)+", name) for name in names)
    assert all(operation["description"] and operation["tags"] for operation in found)


def test_every_error_is_described_as_a_problem(gateway: GatewayApp) -> None:
    """No error has the schema that FastAPI uses by default."""
    document = gateway.client.get("/openapi.json").json()
    problem = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for name, operation in operations(document).items():
        for status, response in operation["responses"].items():
            if status == "default" or int(status) >= 400:
                assert response["content"] == problem, (name, status)
    assert not [name for name in document["components"]["schemas"] if "ValidationError" in name]


def test_a_spec_is_described_in_both_forms(gateway: GatewayApp) -> None:
    """JSON by a schema that requires what the server requires, YAML in words, since generators know only JSON."""
    document = gateway.client.get("/openapi.json").json()
    body = operations(document)["POST /v1/jobs"]["requestBody"]
    assert body["content"] == {"application/json": {"schema": {"$ref": "#/components/schemas/JobSpec"}}}
    assert body["description"] == "A spec. `Content-Type` may also be `application/yaml`."
    schemas = document["components"]["schemas"]
    assert schemas["JobSpec"]["required"] == ["name", "dataset", "model"]
    omitted = {
        "seeds",
        "search",
        "project",
        "tags",
        "notes",
        "notify",
    }  # where they have their defaults, as in specs of earlier versions
    assert set(schemas["JobSpecOutput"]["required"]) == set(schemas["JobSpec"]["properties"]) - omitted


@pytest.mark.parametrize(("path", "valid"), [("/v1/datasets", zip_of_bytes(604)), ("/v1/models", b"")])
def test_every_media_type_that_words_name_is_accepted(gateway: GatewayApp, path: str, valid: bytes) -> None:
    """An upload has one media type in the document, and the others in its description."""
    body = operations(gateway.client.get("/openapi.json").json())[f"POST {path}"]["requestBody"]
    assert [*body["content"]] == ["application/octet-stream"]
    others = re.findall(r"`([a-z-]+/[a-z0-9.-]+)`", body["description"])
    assert "application/zip" in others
    for media_type in others:
        answer = gateway.client.post(f"{path}?name=x", content=valid, headers={"Content-Type": media_type})
        assert answer.status_code != 415, media_type


def test_the_members_of_a_union_require_their_tag_and_no_property_has_a_default(gateway: GatewayApp) -> None:
    """Which is what generators of clients need; see decision 0025."""
    document = gateway.client.get("/openapi.json").json()
    schemas = document["components"]["schemas"]
    unions = [*_dictionaries(document, "discriminator")]
    assert len(unions) >= 20
    for union in unions:
        for reference in union["discriminator"]["mapping"].values():
            assert union["discriminator"]["propertyName"] in schemas[reference.rpartition("/")[2]]["required"]
    assert [schema for schema in _dictionaries(schemas, "default") if "type" in schema] == []
    parameters = [
        each["schema"] for operation in operations(document).values() for each in operation.get("parameters", ())
    ]
    assert [schema for schema in parameters if "null" in str(schema)] == []


def _dictionaries(node: Any, key: str) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        if key in node:
            yield node
        for child in node.values():
            yield from _dictionaries(child, key)
    elif isinstance(node, list):
        for child in node:
            yield from _dictionaries(child, key)


def test_each_format_of_a_report_has_a_path(gateway: GatewayApp) -> None:
    """So that the type of each response is known; the path of the JSON negotiates as well."""
    path = f"/v1/jobs/{gateway.finished_job()}/report"
    found = operations(gateway.client.get("/openapi.json").json())
    for end, media_type in (("", "application/json"), (".csv", "text/csv"), (".html", "text/html")):
        described = found[f"GET /v1/jobs/{{job_id}}/report{end}"]
        assert [*described["responses"]["200"]["content"]] == [media_type]
        assert "format" not in [each["name"] for each in described["parameters"]]
        answer, negotiated = gateway.client.get(path + end), gateway.client.get(path, headers={"Accept": media_type})
        assert answer.headers["Content-Type"].split(";")[0] == media_type
        assert answer.text == negotiated.text


def test_the_schema_of_a_spec_has_its_defaults(gateway: GatewayApp) -> None:
    """Forms and editors read them there."""
    schema = gateway.client.get("/v1/spec-schema").json()
    Draft202012Validator.check_schema(schema)
    assert schema["$defs"]["Training"]["properties"]["epochs"]["default"] == 10
    assert schema["$defs"]["PruneStage"]["required"] == ["kind"]
    spec = {"name": "x", "dataset": {"kind": "builtin", "image_size": 32}, "model": {"architecture": "resnet18"}}
    validator = Draft202012Validator(schema)
    assert validator.is_valid(spec)
    assert not validator.is_valid(spec | {"dataset": {"image_size": 32}})


def test_the_document_names_the_prefix_of_a_proxy(tmp_path: Path) -> None:
    """Which a generated client must know."""
    gateway = sqlite_gateway(tmp_path, root_path="/edgepress")
    assert gateway.client.get("/openapi.json").json()["servers"] == [{"url": "/edgepress"}]


CHECKED = (
    "not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance",
    "response_headers_conformance",
)  # fmt: skip


@pytest.mark.slow
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


def test_every_regular_expression_has_words(gateway: GatewayApp) -> None:
    """Messages about text of the wrong form show no regular expression."""
    document = gateway.client.get("/openapi.json").json()
    patterns = set(_patterns(document))
    assert len(patterns) > 10
    assert [pattern for pattern in patterns if pattern in pattern_in_words(pattern)] == []


def _patterns(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("pattern"), str) and node.get("type") == "string":
            yield node["pattern"]
        for value in node.values():
            yield from _patterns(value)
    elif isinstance(node, list):
        for value in node:
            yield from _patterns(value)
