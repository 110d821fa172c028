"""Pinned comparisons: kept under a name, listed, and deleted, on SQLite and PostgreSQL."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from edgepress_api.comparison.pinned import pin_comparison
from edgepress_api.garbage_collection.unreferenced_steps import delete_old_jobs
from edgepress_client import Client
from edgepress_common.answers.pinned import NewComparison
from edgepress_common.errors import NotFoundError
from fakes.gateway_app import GatewayApp, spec_json, sqlite_gateway

if TYPE_CHECKING:
    from pathlib import Path

    from edgepress_api.database import Database

JSON = {"Content-Type": "application/json"}


@pytest.fixture
def gateway(database: Database, tmp_path: Path) -> GatewayApp:
    """A gateway with one device."""
    return GatewayApp(database, tmp_path)


def pin(gateway: GatewayApp, name: str, *jobs: str) -> dict[str, Any]:
    """Pin a comparison, and return it."""
    answer = gateway.client.post("/v1/comparisons", json={"name": name, "jobs": jobs})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_a_comparison_is_kept_with_its_jobs_in_their_order(gateway: GatewayApp) -> None:
    """The newest is listed first; each has an address of its own."""
    one, two, three = (gateway.submit(name=name) for name in ("one", "two", "three"))
    first = pin(gateway, " by size ", two, one)
    second = pin(gateway, "all", three, two, one)
    assert first["name"] == "by size"
    assert [job["id"] for job in first["jobs"]] == [two, one]
    listed = gateway.client.get("/v1/comparisons").json()["comparisons"]
    assert listed == [second, first]
    assert gateway.client.get(f"/v1/comparisons/{first['id']}").json() == first
    assert gateway.client.delete(f"/v1/comparisons/{first['id']}").status_code == 204
    assert gateway.client.get("/v1/comparisons").json()["comparisons"] == [second]
    assert gateway.client.get(f"/v1/comparisons/{first['id']}").status_code == 404
    assert gateway.client.get(f"/v1/jobs/{one}").status_code == 200


def test_a_deleted_job_is_left_out(gateway: GatewayApp) -> None:
    """The comparison stays, so that its user sees what has become of it."""
    one, two = gateway.finished_job(name="one"), gateway.finished_job(name="two")
    pinned = pin(gateway, "both", one, two)
    assert gateway.client.delete(f"/v1/jobs/{one}").status_code == 204
    found = gateway.client.get(f"/v1/comparisons/{pinned['id']}").json()
    assert [job["id"] for job in found["jobs"]] == [two]


def test_jobs_of_a_comparison_are_kept_beyond_their_retention_time(gateway: GatewayApp) -> None:
    """Until it is unpinned."""
    jobs = [gateway.finished_job(name=name) for name in ("one", "two", "three")]
    pinned = pin(gateway, "both", *jobs[:2])
    later = gateway.now + timedelta(days=2)
    assert delete_old_jobs(gateway.database, later, timedelta(days=1)) == 1
    assert gateway.client.get(f"/v1/jobs/{jobs[2]}").status_code == 404
    gateway.client.delete(f"/v1/comparisons/{pinned['id']}")
    assert delete_old_jobs(gateway.database, later, timedelta(days=1)) == 2


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": "", "jobs": ["job-1", "job-2"]}, "name"),
        ({"name": "a\nb", "jobs": ["job-1", "job-2"]}, "name"),
        ({"name": "x" * 101, "jobs": ["job-1", "job-2"]}, "name"),
        ({"name": "x", "jobs": ["job-1"]}, "jobs"),
        ({"name": "x", "jobs": ["job-1", "job-1"]}, "jobs"),
        ({"name": "x", "jobs": [f"job-{number}" for number in range(11)]}, "jobs"),
        ({"name": "x", "jobs": ["job-1", "../job"]}, "jobs[1]"),
        ({"name": "x", "jobs": ["job-1", "job-2"], "owner": "anna"}, "owner"),
    ],
)
def test_an_invalid_comparison_is_refused_with_its_field(tmp_path: Path, body: dict[str, Any], field: str) -> None:
    """Names are visible text; two to ten jobs are compared, each once."""
    answer = sqlite_gateway(tmp_path).client.post("/v1/comparisons", json=body)
    assert answer.status_code == 422, answer.text
    assert [error["field"] for error in answer.json()["errors"]] == [field]


def test_users_see_their_own_comparisons_and_pin_their_own_jobs(tmp_path: Path) -> None:
    """Another user's job or comparison is not found; an administrator sees all of them."""
    gateway = sqlite_gateway(tmp_path)
    anna, ben = gateway.client_as("anna", "submit", "read"), gateway.client_as("ben", "submit", "read")
    jobs = [anna.post("/v1/jobs", content=spec_json(name=name), headers=JSON).json()["id"] for name in ("a", "b")]
    assert ben.post("/v1/comparisons", json={"name": "x", "jobs": jobs}).status_code == 404
    pinned = anna.post("/v1/comparisons", json={"name": "x", "jobs": jobs}).json()
    assert pinned["owner"] == "anna"
    assert ben.get("/v1/comparisons").json() == {"comparisons": []}
    for method in ("GET", "DELETE"):
        assert ben.request(method, f"/v1/comparisons/{pinned['id']}").status_code == 404
    assert gateway.client_as("root", "admin").get("/v1/comparisons").json() == {"comparisons": [pinned]}
    assert gateway.client_as("eve", "read").post("/v1/comparisons", json={"name": "x", "jobs": jobs}).status_code == 403


def test_a_job_that_is_deleted_meanwhile_is_not_pinned(tmp_path: Path) -> None:
    """Nothing is stored."""
    gateway = sqlite_gateway(tmp_path)
    job = gateway.submit()
    with pytest.raises(NotFoundError, match="job 'job-gone' does not exist"), gateway.database.write() as session:
        pin_comparison(session, NewComparison(name="x", jobs=(job, "job-gone")), gateway.now, owner="local")
    assert gateway.client.get("/v1/comparisons").json() == {"comparisons": []}


def test_a_user_has_at_most_200_pinned_comparisons(tmp_path: Path) -> None:
    """The next is refused with what to do."""
    gateway = sqlite_gateway(tmp_path)
    jobs = (gateway.submit(name="one"), gateway.submit(name="two"))
    with gateway.database.write() as session:
        for number in range(200):
            pin_comparison(session, NewComparison(name=f"{number}", jobs=jobs), gateway.now, owner="local")
    answer = gateway.client.post("/v1/comparisons", json={"name": "x", "jobs": jobs})
    assert answer.status_code == 409
    assert "accepted: at most 200. Delete one first" in answer.json()["detail"]


def test_the_client_pins_lists_and_unpins(tmp_path: Path) -> None:
    """A script uses the SDK."""
    gateway = sqlite_gateway(tmp_path)
    jobs = [gateway.submit(name="one"), gateway.submit(name="two")]
    with Client("http://127.0.0.1", transport=gateway.client._transport) as client:
        pinned = client.comparisons.pin("both", jobs)
        assert client.comparisons.list() == (pinned,)
        assert client.comparisons.get(pinned.id) == pinned
        client.comparisons.unpin(pinned.id)
        assert client.comparisons.list() == ()
