"""The operator's view of the server: health, metrics, headers, and the pages."""

import json
import re
from datetime import timedelta
from pathlib import Path

import pytest

from edgepress_api.database import Database
from edgepress_api.garbage_collection.unreferenced_steps import delete_unreferenced_steps
from edgepress_common.messages import StepFailure
from fakes.gateway_app import GatewayApp, sqlite_gateway
from fakes.pages import Page

ROOT = Path(__file__).parents[3]


@pytest.fixture
def gateway(tmp_path: Path) -> GatewayApp:
    """A gateway."""
    return sqlite_gateway(tmp_path)


def test_the_process_is_live_while_services_are_unavailable(gateway: GatewayApp) -> None:
    """Only readiness depends on other services."""
    gateway.redis_is_unavailable = True
    gateway.database.close()
    assert gateway.client.get("/health/live").json() == {"status": "ok"}


def test_readiness_names_what_is_unavailable(gateway: GatewayApp, tmp_path: Path) -> None:
    """Redis, the database, or both."""
    assert gateway.client.get("/health/ready").json() == {"status": "ok"}
    gateway.redis_is_unavailable = True
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


def test_metrics_show_what_an_operator_must_know(gateway: GatewayApp) -> None:
    """Metrics show waiting steps, their times, failures, missed heartbeats and free space."""
    gateway.finished_job()
    gateway.submit(name="second", training={"epochs": 1, "seed": 5})
    (stage,) = gateway.workforce.take()
    with gateway.database.write() as session:
        failure = StepFailure(code="failed", message="no luck", retryable=True)
        gateway.ledger.fail(session, stage.step_key, stage.attempt, failure=failure, now=gateway.now)
    (again,) = gateway.workforce.take()
    with gateway.database.write() as session:
        gateway.ledger.renew(session, again.step_key, again.attempt, holder="w", progress=None, now=gateway.now)
        gateway.ledger.expire(session, gateway.now + timedelta(days=1))

    lines = gateway.client.get("/metrics").text.splitlines()

    assert 'edgepress_queue_steps{queue="train"} 1.0' in lines
    assert 'edgepress_queue_steps{queue="devices"} 0.0' in lines
    assert 'edgepress_step_seconds_count{kind="export"} 2.0' in lines
    assert 'edgepress_attempts_failed_total{kind="stage"} 1.0' in lines
    assert 'edgepress_leases_lost_total{kind="stage"} 1.0' in lines
    assert 'edgepress_leases_lost_total{kind="evaluation"} 0.0' in lines
    assert 'edgepress_artifact_bytes{of="steps"} 700.0' in lines
    values = dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    seen = float(values['edgepress_device_last_seen_timestamp_seconds{device="pi"}'])
    assert seen == pytest.approx(gateway.workforce.now.timestamp(), abs=10)
    assert float(values["edgepress_artifact_free_bytes"]) > 0
    assert float(values['edgepress_step_seconds_sum{kind="evaluation"}']) >= 0


def test_what_is_counted_stays_counted_when_steps_are_forgotten(gateway: GatewayApp) -> None:
    """A counter never goes down."""
    job_id = gateway.finished_job()
    before = [line for line in gateway.client.get("/metrics").text.splitlines() if "step_seconds_count" in line]
    gateway.client.delete(f"/v1/jobs/{job_id}")
    assert delete_unreferenced_steps(gateway.database) == 6
    after = [line for line in gateway.client.get("/metrics").text.splitlines() if "step_seconds_count" in line]
    assert after == before


def test_the_grafana_dashboard_asks_for_figures_that_there_are(gateway: GatewayApp) -> None:
    """Every one of them, by the labels that it has; and leaves out none of Edgepress's own."""
    gateway.finished_job()
    gateway.client.get("/")
    lines = gateway.client.get("/metrics").text.splitlines()
    served = {re.split(r"[{ ]", line)[0] for line in lines if line.startswith("edgepress_")}
    labels = {
        name: set(re.findall(r'(\w+)="', " ".join(line for line in lines if line.startswith(name)))) for name in served
    }
    dashboard = json.loads((ROOT / "docs" / "grafana" / "edgepress.json").read_text())
    asked = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    named = {name for expression in asked for name in re.findall(r"edgepress_\w+", expression)}

    assert named <= served
    assert {name for name in served - named if not name.endswith(("_created", "_sum"))} == set()
    for expression in asked:
        (name, *_) = re.findall(r"edgepress_\w+", expression)
        by = {word for group in re.findall(r"by \(([^)]*)\)", expression) for word in group.split(", ")}
        assert by <= labels[name], expression


@pytest.mark.parametrize("path", ["/", "/health/live", "/v1/nothing", "/v1/jobs", "/openapi.json", "/metrics"])
def test_every_answer_tells_browsers_to_trust_nothing(gateway: GatewayApp, path: str) -> None:
    """Errors included."""
    headers = gateway.client.get(path).headers
    assert "default-src 'none'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"


def test_the_docs_page_lists_every_operation_and_problem(gateway: GatewayApp) -> None:
    """The list comes from the OpenAPI document, and the page loads no other resource."""
    page = Page(gateway.client.get("/docs").text)
    assert page.loaded == []
    paths = gateway.client.get("/openapi.json").json()["paths"]
    assert all(path in page.text for path in paths)
    for link in page.links:
        assert gateway.client.get(link).status_code == 200, link
