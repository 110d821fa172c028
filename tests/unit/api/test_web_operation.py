"""What whoever runs the server looks at: health, metrics, headers, and the pages."""

from pathlib import Path

import pytest

from edgepress_api.database import Database
from fakes.gateway_app import GatewayApp, sqlite_gateway
from fakes.pages import Page


@pytest.fixture
def gateway(tmp_path: Path) -> GatewayApp:
    """A gateway."""
    return sqlite_gateway(tmp_path)


def test_the_process_lives_whatever_is_away(gateway: GatewayApp) -> None:
    """Only readiness depends on others."""
    gateway.redis_is_away = True
    gateway.database.close()
    assert gateway.client.get("/health/live").json() == {"status": "ok"}


def test_readiness_names_what_is_away(gateway: GatewayApp, tmp_path: Path) -> None:
    """Redis, the database, or both."""
    assert gateway.client.get("/health/ready").json() == {"status": "ok"}
    gateway.redis_is_away = True
    response = gateway.client.get("/health/ready")
    assert (response.status_code, response.json()["detail"]) == (503, "no answer from: Redis")
    assert int(response.headers["retry-after"]) > 0
    empty = gateway.with_adapters(database=Database(f"sqlite:///{tmp_path}/empty.db"))
    assert empty.get("/health/ready").json()["detail"] == "no answer from: database, Redis"


def test_metrics_count_jobs_steps_and_requests(gateway: GatewayApp) -> None:
    """Requests by the route's template, so that a thousand jobs are one line."""
    job_id = gateway.finished_job()
    gateway.client.get(f"/v1/jobs/{job_id}")
    gateway.client.get("/v1/nothing")
    gateway.client.request("BREW", "/")
    metrics = gateway.client.get("/metrics")
    assert metrics.headers["content-type"].startswith("text/plain")
    lines = metrics.text.splitlines()
    assert 'edgepress_jobs{state="succeeded"} 1.0' in lines
    assert 'edgepress_steps{kind="export",state="succeeded"} 2.0' in lines
    assert 'edgepress_request_seconds_count{method="GET",route="/v1/jobs/{job_id}",status="200"} 1.0' in lines
    assert 'edgepress_request_seconds_count{method="GET",route="(none)",status="404"} 1.0' in lines
    assert "BREW" not in metrics.text


@pytest.mark.parametrize("path", ["/", "/health/live", "/v1/nothing", "/v1/jobs", "/openapi.json", "/metrics"])
def test_every_answer_tells_browsers_to_trust_nothing(gateway: GatewayApp, path: str) -> None:
    """Errors included."""
    headers = gateway.client.get(path).headers
    assert "default-src 'none'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"


def test_the_docs_page_lists_every_operation_and_problem(gateway: GatewayApp) -> None:
    """From the OpenAPI document, loading nothing."""
    page = Page(gateway.client.get("/docs").text)
    assert page.loaded == []
    paths = gateway.client.get("/openapi.json").json()["paths"]
    assert all(path in page.text for path in paths)
    for link in page.links:
        assert gateway.client.get(link).status_code == 200, link
