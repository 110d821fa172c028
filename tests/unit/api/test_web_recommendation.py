"""``GET /v1/jobs/{id}/recommendation``, and goals asked for on the report."""

from pathlib import Path
from typing import Any

import pytest

from fakes.gateway_app import GatewayApp, sqlite_gateway

GOALS = {"max_latency_ms": 5, "weights": {"accuracy": 3}, "preferences": [{"more": "zip", "than": "size", "times": 2}]}


@pytest.fixture
def gateway(tmp_path: Path) -> GatewayApp:
    """A gateway."""
    return sqlite_gateway(tmp_path)


def asked(gateway: GatewayApp, job_id: str, query: str = "") -> dict[str, Any]:
    """The recommendation."""
    response = gateway.client.get(f"/v1/jobs/{job_id}/recommendation{query}")
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


def test_a_job_is_recommended_by_the_goals_of_its_spec(gateway: GatewayApp) -> None:
    """The same as in its report."""
    job_id = gateway.finished_job(goals=GOALS)
    found = asked(gateway, job_id)
    assert found["goals"]["max_latency_ms"] == 5
    assert sum(found["weights"].values()) == pytest.approx(1)
    assert [len(device["candidates"]) for device in found["devices"]] == [2]
    assert gateway.client.get(f"/v1/jobs/{job_id}/report").json()["recommendation"] == found


def test_other_goals_can_be_asked_for_afterwards(gateway: GatewayApp) -> None:
    """Goals that are not given are those of the spec; given weights override the spec's preferences."""
    job_id = gateway.finished_job(goals=GOALS)
    goals = asked(gateway, job_id, "?max_size_bytes=1&weight_zip=0&method=topsis")["goals"]
    assert (goals["max_latency_ms"], goals["max_size_bytes"], goals["method"]) == (5, 1, "topsis")
    assert goals["weights"] == {
        "accuracy": 3, "latency": 2, "size": 1, "zip": 0, "balanced_accuracy": 0, "f1": 0, "worst_class_recall": 0,
        "macs": 0, "weights": 0, "coded": 0, "energy": 0,
    }  # fmt: skip
    assert goals["preferences"] == []
    kept = asked(gateway, job_id, "?method=ahp")["goals"]
    assert kept["preferences"] == GOALS["preferences"]
    alone = asked(gateway, job_id, "?spec_goals=false&prefer=accuracy:latency:3&prefer=zip:size:1.5")["goals"]
    assert alone["max_latency_ms"] is None
    assert alone["preferences"] == [
        {"more": "accuracy", "than": "latency", "times": 3}, {"more": "zip", "than": "size", "times": 1.5}
    ]  # fmt: skip


def test_a_report_can_be_asked_for_with_goals(gateway: GatewayApp) -> None:
    """Goals work in every format; the comparison is the same."""
    job_id = gateway.finished_job()
    plain, asked_for = (
        gateway.client.get(f"/v1/jobs/{job_id}/report{query}").json() for query in ("", "?max_size_bytes=1")
    )
    assert asked_for["rows"] == plain["rows"]
    assert plain["recommendation"]["devices"][0]["purposes"]
    assert asked_for["recommendation"]["devices"][0]["purposes"] == []


def test_a_job_of_which_nothing_is_measured_yet_has_no_recommendation(gateway: GatewayApp) -> None:
    """The answer is successful and empty."""
    assert asked(gateway, gateway.submit())["devices"] == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("query", "field", "message"),
    [
        ("max_latency_ms=0", "max_latency_ms", "should be greater than 0"),
        ("max_latency=3", "max_latency", "unknown field; did you mean 'max_latency_ms'?"),
        ("prefer=accuracy:speed:3", "prefer[0]", "has the wrong form"),
        ("prefer=accuracy:accuracy:3", "prefer", "compares accuracy with itself"),
        ("prefer=zip:size:3&weight_zip=0", "prefer", "preferences[0] compares zip, whose weight is 0"),
        ("weight_accuracy=0&weight_latency=0&weight_size=0&weight_zip=0", "weight_accuracy", "all weights are 0"),
    ],
)
def test_goals_that_make_no_sense_are_refused(gateway: GatewayApp, query: str, field: str, message: str) -> None:
    """Naming the parameter, and what is accepted."""
    response = gateway.client.get(f"/v1/jobs/{gateway.finished_job()}/recommendation?{query}")
    assert response.status_code == 422
    (problem,) = response.json()["errors"]
    assert (problem["field"], problem["message"]) == (field, message)
    assert problem["accepted"]


def test_an_unknown_job_is_not_found(gateway: GatewayApp) -> None:
    """The error is the one of other routes."""
    assert gateway.client.get("/v1/jobs/job-0/recommendation").status_code == 404
