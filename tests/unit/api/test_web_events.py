"""A job's events as a stream."""

import json
from pathlib import Path

import pytest
from sqlalchemy import select

from edgepress_api.database import Database, EventRow, JobRow
from edgepress_api.jobs.growing import grow_plans
from edgepress_api.jobs.watching import Glance, look_at_job
from edgepress_api.planners.registry import Planners
from edgepress_common.errors import NotFoundError
from edgepress_common.messages import Progress
from fakes.gateway_app import GatewayApp, sqlite_gateway
from fakes.planners import TwoProposals

Event = tuple[str, int | None, dict[str, object]]


def events(text: str) -> list[Event]:
    """Return the type, number and data of each event of a stream."""
    found: list[Event] = []
    for block in text.strip().split("\n\n"):
        fields = dict(line.partition(": ")[::2] for line in block.splitlines() if not line.startswith(":"))
        if "event" in fields:
            number = int(fields["id"]) if "id" in fields else None
            found.append((fields["event"], number, json.loads(fields["data"])))
    return found


def test_the_stream_of_a_job_that_has_ended_tells_all_and_ends(tmp_path: Path) -> None:
    """Events are in order, from the queued job to its end."""
    gateway = sqlite_gateway(tmp_path)
    response = gateway.client.get(f"/v1/jobs/{gateway.finished_job()}/events")
    assert response.headers["content-type"].startswith("text/event-stream")
    found = events(response.text)
    states = [data["data"] for type_, _, data in found if type_ == "job"]
    assert states == [{"state": "queued"}, {"state": "running"}, {"state": "succeeded"}]
    numbers = [number for _, number, _ in found]
    assert numbers == sorted(set(numbers), key=lambda number: number or 0)
    assert found[-1][0] == "job"


def test_the_stream_tells_of_a_plan_that_grows(tmp_path: Path) -> None:
    """Added pipelines come before their states; the complete plan comes before the job's end."""
    gateway = sqlite_gateway(tmp_path, planners=Planners.with_others([TwoProposals]))
    job_id = gateway.submit(name="grows")
    for _ in range(2):
        gateway.workforce.work_until_nothing_is_left()
        grow_plans(gateway.database, gateway.ledger, gateway.planners, gateway.now)
    found = events(gateway.client.get(f"/v1/jobs/{job_id}/events").text)
    assert [data["data"] for type_, _, data in found if type_ == "plan"] == [
        {"pipelines": ["base"], "complete": False},
        {"pipelines": ["pruned float32"], "complete": False},
        {"pipelines": [], "complete": True},
    ]
    assert [type_ for type_, *_ in found[-2:]] == ["plan", "job"]
    told = [type_ if type_ == "plan" else json.dumps(data["data"]) for type_, _, data in found]
    first_of_the_second = next(place for place, words in enumerate(told) if '"title": "prune"' in words)
    assert told[:first_of_the_second].count("plan") == 2


@pytest.mark.parametrize("way", ["header", "query"])
def test_a_client_that_reconnects_gets_the_missed_events(tmp_path: Path, way: str) -> None:
    """It gets the events after the last one that it received, and no event twice."""
    gateway = sqlite_gateway(tmp_path)
    path = f"/v1/jobs/{gateway.finished_job()}/events"
    whole = events(gateway.client.get(path).text)
    known = str(whole[4][1])
    if way == "header":
        rest = gateway.client.get(path, headers={"Last-Event-ID": known})
    else:
        rest = gateway.client.get(path, params={"last_event_id": known})
    assert events(rest.text) == whole[5:]


def test_a_client_that_knows_all_need_not_ask_again(tmp_path: Path) -> None:
    """Status 204 stops a browser from reconnecting."""
    gateway = sqlite_gateway(tmp_path)
    path = f"/v1/jobs/{gateway.finished_job()}/events"
    last = events(gateway.client.get(path).text)[-1][1]
    assert gateway.client.get(path, headers={"Last-Event-ID": str(last)}).status_code == 204


@pytest.mark.parametrize("known", ["x", "-1", str(2**63)])
def test_what_is_not_an_event_number_is_refused(tmp_path: Path, known: str) -> None:
    """It is refused before a stream begins."""
    gateway = sqlite_gateway(tmp_path)
    response = gateway.client.get(f"/v1/jobs/{gateway.submit()}/events", headers={"Last-Event-ID": known})
    assert (response.status_code, response.json()["errors"][0]["field"]) == (422, "last-event-id")


def test_a_stream_lets_go_when_the_server_stops(tmp_path: Path) -> None:
    """The stream ends though the job continues."""
    gateway = sqlite_gateway(tmp_path)
    job_id = gateway.submit()
    gateway.is_stopping = True
    assert gateway.client.get(f"/v1/jobs/{job_id}/events").status_code == 200


def test_a_look_tells_how_far_running_steps_are(database: Database, tmp_path: Path) -> None:
    """The answer also has the events since the last request, of which there are none the second time."""
    gateway = GatewayApp(database, tmp_path)
    job_id = gateway.submit()
    (pack,) = gateway.workforce.take()
    progress = Progress(fraction=0.5, message="packing")
    with database.write() as session:
        gateway.ledger.renew(session, pack.step_key, 1, holder="w1", progress=progress, now=gateway.now)
    with database.read() as session:
        first = look_at_job(session, job_id, after=0)
        second = look_at_job(session, job_id, after=first.events[-1].id)
    assert {event.type for event in first.events} == {"job", "plan", "step", "pipeline"}
    assert second.events == ()
    assert not second.is_last
    assert second.progress is not None
    assert [(step.title, step.progress) for step in second.progress.running] == [("pack", progress)]
    assert 0 < second.progress.progress < 0.5


def test_a_job_that_was_deleted_is_not_looked_at(database: Database, tmp_path: Path) -> None:
    """Such a request is answered with an error."""
    with database.read() as session, pytest.raises(NotFoundError, match="job-1"):
        look_at_job(session, "job-1", after=0)


def test_progress_follows_all_events_of_a_long_job(database: Database, tmp_path: Path) -> None:
    """A client that wants only the events so far stops at the progress, which must not come after the first 500."""
    gateway = GatewayApp(database, tmp_path)
    job_id = gateway.submit()
    with database.write() as session:
        number = session.scalars(select(JobRow.number)).one()
        more = [EventRow(job_number=number, type="epoch", data={}, created_at=gateway.now) for _ in range(1100)]
        session.add_all(more)
    seen = 0
    looks: list[Glance] = []
    with database.read() as session:
        while not looks or looks[-1].progress is None:
            looks.append(look_at_job(session, job_id, after=seen))
            seen = looks[-1].events[-1].id
        rest = look_at_job(session, job_id, after=seen)
    assert sum(len(look.events) for look in looks) > 1100
    assert (rest.events, rest.is_last) == ((), False)


def test_a_number_beyond_all_events_is_accepted(database: Database, tmp_path: Path) -> None:
    """PostgreSQL can't compare its numbers of 32 bits with one of 64."""
    gateway = GatewayApp(database, tmp_path)
    path = f"/v1/jobs/{gateway.finished_job()}/events"
    for known in (2**31 - 1, 2**31, 2**63 - 1):
        assert gateway.client.get(path, headers={"Last-Event-ID": str(known)}).status_code == 204
