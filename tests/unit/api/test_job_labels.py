"""Jobs are found again: by words, project, tags, network, data set, device and date, on SQLite and PostgreSQL."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from edgepress_api.database import FacetRow, JobRow
from edgepress_api.database.migrate import migrate
from edgepress_common.answers.job_list import Facets, JobPage
from edgepress_common.answers.jobs import JobView
from fakes.gateway_app import GatewayApp, spec_json, sqlite_gateway

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy.orm import Session

    from edgepress_api.database import Database


@pytest.fixture
def gateway(database: Database, tmp_path: Path) -> GatewayApp:
    """A gateway with one device and three jobs: two of a project, the oldest first."""
    gateway = GatewayApp(database, tmp_path)
    gateway.submit(name="First try", project="doors", tags=["night", "v1"])
    gateway.submit(name="100% sure", project="doors", tags=["day"], notes="Lens was dirty")
    gateway.submit(name="other", model={"architecture": "mobilenet_v2"}, tags=["night"])
    return gateway


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({}, ["other", "100% sure", "First try"]),
        ({"project": "doors"}, ["100% sure", "First try"]),
        ({"project": "Doors"}, []),
        ({"tag": "night"}, ["other", "First try"]),
        ({"tag": ["night", "v1"]}, ["First try"]),
        ({"network": "mobilenet_v2"}, ["other"]),
        ({"dataset": "digits", "project": "doors"}, ["100% sure", "First try"]),
        ({"device": "pi4"}, []),
        ({"device": "any"}, ["other", "100% sure", "First try"]),
        ({"q": "first"}, ["First try"]),
        ({"q": "DIRTY lens doors"}, ["100% sure"]),
        ({"q": "resnet night"}, ["First try"]),
        ({"q": "%"}, ["100% sure"]),
        ({"q": "_"}, ["other"]),
        ({"state": "failed"}, []),
    ],
)
def test_a_list_has_the_jobs_that_match_all_filters(
    gateway: GatewayApp, query: dict[str, Any], names: list[str]
) -> None:
    """Words may be in any text of the job, and %, _ are ordinary characters: only `mobilenet_v2` has an underscore."""
    assert [job.name for job in listed(gateway, query).jobs] == names


def test_ids_are_found_by_their_beginning(gateway: GatewayApp) -> None:
    """The beginning is what people copy; the end of an id is not searched."""
    newest = listed(gateway, {}).jobs[0]
    assert [job.id for job in listed(gateway, {"q": newest.id[:12]}).jobs] == [newest.id]
    assert not listed(gateway, {"q": newest.id[-4:]}).jobs


def test_days_are_found_by_when_jobs_were_posted(gateway: GatewayApp) -> None:
    """The first moment counts, the last does not."""
    moment = listed(gateway, {}).jobs[0].created_at
    later = (moment + timedelta(seconds=1)).isoformat()
    assert len(listed(gateway, {"created_from": moment.isoformat()}).jobs) == 3
    assert not listed(gateway, {"created_from": later}).jobs
    assert len(listed(gateway, {"created_before": later}).jobs) == 3
    assert not listed(gateway, {"created_before": moment.isoformat()}).jobs


def test_a_page_continues_with_the_same_filters(gateway: GatewayApp) -> None:
    """A token of other filters is refused, since it would leave out jobs."""
    first = listed(gateway, {"project": "doors", "page_size": 1})
    token = first.next_page_token
    second = listed(gateway, {"project": "doors", "page_size": 1, "page_token": token})
    assert [job.name for job in (*first.jobs, *second.jobs)] == ["100% sure", "First try"]
    refused = gateway.client.get("/v1/jobs", params={"tag": "night", "page_token": token})
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["field"] == "page_token"


@pytest.mark.parametrize(
    "query", [{"q": " ".join("abcdefghijk")}, {"q": ""}, {"q": "\x00"}, {"created_from": "2026-01-01"}, {"tags": "a"}]
)
def test_filters_that_can_not_be_are_refused(gateway: GatewayApp, query: dict[str, str]) -> None:
    """Eleven words, none, a character that no database has, a time without a zone, an unknown name."""
    assert gateway.client.get("/v1/jobs", params=query).status_code == 422


def test_labels_change_and_the_spec_stays(gateway: GatewayApp) -> None:
    """The list finds the job by the new ones only."""
    job = listed(gateway, {"q": "first"}).jobs[0]
    labels = {"project": "gates", "tags": ["day", "day"], "notes": "  better\nthan before "}
    changed = gateway.client.put(f"/v1/jobs/{job.id}/labels", json=labels)
    view = JobView.model_validate_json(changed.content)
    assert (view.project, view.tags, view.notes) == ("gates", ("day",), "better\nthan before")
    assert gateway.client.get(f"/v1/jobs/{job.id}").json()["notes"] == "better\nthan before"
    assert [found.id for found in listed(gateway, {"project": "gates", "tag": "day"}).jobs] == [job.id]
    assert not listed(gateway, {"tag": "v1"}).jobs
    assert gateway.client.get(f"/v1/jobs/{job.id}/spec").json()["tags"] == ["night", "v1"]
    gateway.client.put(f"/v1/jobs/{job.id}/labels", json={})
    assert not listed(gateway, {"project": "gates"}).jobs


@pytest.mark.parametrize(
    ("labels", "field"),
    [
        ({"project": " "}, "project"),
        ({"project": "a\u202eb"}, "project"),
        ({"tags": ["two words"]}, "tags[0]"),
        ({"tags": [str(number) for number in range(21)]}, "tags"),
        ({"notes": "x" * 4001}, "notes"),
        ({"label": "x"}, "label"),
    ],
)
def test_labels_that_can_not_be_are_refused_in_both_places(
    gateway: GatewayApp, labels: dict[str, Any], field: str
) -> None:
    """With a job and later; nothing is changed."""
    job = listed(gateway, {}).jobs[0]
    for refused in (
        gateway.client.put(f"/v1/jobs/{job.id}/labels", json=labels),
        gateway.client.post("/v1/jobs", json=json.loads(spec_json()) | labels),
    ):
        assert refused.status_code == 422
        assert field in [each["field"] for each in refused.json()["errors"]]
    assert listed(gateway, {}).jobs[0] == job


def test_a_job_of_no_one_has_no_labels_to_change(gateway: GatewayApp) -> None:
    """The answer is that of any unknown job: not found."""
    assert gateway.client.put("/v1/jobs/job-0/labels", json={}).status_code == 404


def test_facets_count_the_jobs(gateway: GatewayApp) -> None:
    """The most frequent first; a deleted job does not count."""
    job = listed(gateway, {"q": "other"}).jobs[0]
    found = {(each.kind, each.value): each.jobs for each in facets(gateway).facets}
    assert found["project", "doors"] == 2
    assert found["tag", "night"] == 2
    assert found["network", "resnet18"] == 2
    assert found["dataset", "digits"] == 3
    gateway.client.post(f"/v1/jobs/{job.id}/cancel")
    gateway.client.delete(f"/v1/jobs/{job.id}")
    assert ("network", "mobilenet_v2") not in {(each.kind, each.value) for each in facets(gateway).facets}


def test_jobs_of_before_are_found_as_well(bare_database: Database, tmp_path: Path) -> None:
    """The migration reads their specs; it finds what a submission would."""
    source = sqlite_gateway(tmp_path / "source")
    source.submit(model={"architecture": "mobilenet_v2", "width": 0.5})
    with source.database.read() as session:
        expected = {(row.kind, row.value) for row in session.scalars(sa.select(FacetRow))}
        job = session.execute(sa.select(reflected(session))).one()._asdict()
    source.database.close()
    migrate(bare_database, "0013")
    with bare_database.write() as session:
        old = reflected(session)
        times = {name: value.replace(tzinfo=UTC) for name, value in job.items() if isinstance(value, datetime)}
        session.execute(sa.insert(old), [{column.name: (job | times)[column.name] for column in old.c}])
    migrate(bare_database)
    with bare_database.read() as session:
        assert {(row.kind, row.value) for row in session.scalars(sa.select(FacetRow))} == expected
        assert session.scalars(sa.select(JobRow.tags)).all() == [()]


def reflected(session: Session) -> sa.Table:
    """The table of jobs with the columns of the database."""
    return sa.Table("jobs", sa.MetaData(), autoload_with=session.connection())


def listed(gateway: GatewayApp, query: dict[str, Any]) -> JobPage:
    response = gateway.client.get("/v1/jobs", params=query)
    assert response.status_code == 200, response.text
    return JobPage.model_validate_json(response.content)


def facets(gateway: GatewayApp) -> Facets:
    return Facets.model_validate_json(gateway.client.get("/v1/facets").content)
