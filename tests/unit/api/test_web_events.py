"""A job's events as a stream."""

import json
from pathlib import Path

import pytest

from edgepress_api.database import Database
from edgepress_api.jobs.watching import look_at_job
from edgepress_common.errors import NotFoundError
from edgepress_common.messages import Progress
from fakes.gateway_app import GatewayApp, sqlite_gateway

Event = tuple[str, int | None, dict[str, object]]


def events(text: str) -> list[Event]:
    """What a stream says: type, number, data."""
    found: list[Event] = []
    for block in text.strip().split("\n\n"):
        fields = dict(line.partition(": ")[::2] for line in block.splitlines() if not line.startswith(":"))
        if "event" in fields:
            number = int(fields["id"]) if "id" in fields else None
            found.append((fields["event"], number, json.loads(fields["data"])))
    return found


def test_the_stream_of_a_job_that_has_ended_tells_all_and_ends(tmp_path: Path) -> None:
    """In order, from the job's being queued to its end."""
    gateway = sqlite_gateway(tmp_path)
    response = gateway.client.get(f"/v1/jobs/{gateway.finished_job()}/events")
    assert response.headers["content-type"].startswith("text/event-stream")
    found = events(response.text)
    states = [data["data"] for type_, _, data in found if type_ == "job"]
    assert states == [{"state": "queued"}, {"state": "running"}, {"state": "succeeded"}]
    numbers = [number for _, number, _ in found]
    assert numbers == sorted(set(numbers), key=lambda number: number or 0)
    assert found[-1][0] == "job"


@pytest.mark.parametrize("way", ["header", "query"])
def test_a_client_that_was_away_is_told_the_rest(tmp_path: Path, way: str) -> None:
    """What follows the last event that it knows, and nothing twice."""
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
    """Status 204 is what keeps a browser from connecting anew for ever."""
    gateway = sqlite_gateway(tmp_path)
    path = f"/v1/jobs/{gateway.finished_job()}/events"
    last = events(gateway.client.get(path).text)[-1][1]
    assert gateway.client.get(path, headers={"Last-Event-ID": str(last)}).status_code == 204


@pytest.mark.parametrize("known", ["x", "-1", str(2**63)])
def test_what_is_no_event_number_is_refused(tmp_path: Path, known: str) -> None:
    """Before a stream begins."""
    gateway = sqlite_gateway(tmp_path)
    response = gateway.client.get(f"/v1/jobs/{gateway.submit()}/events", headers={"Last-Event-ID": known})
    assert (response.status_code, response.json()["errors"][0]["field"]) == (422, "last-event-id")


def test_a_stream_lets_go_when_the_server_stops(tmp_path: Path) -> None:
    """Though the job goes on."""
    gateway = sqlite_gateway(tmp_path)
    job_id = gateway.submit()
    gateway.is_stopping = True
    assert gateway.client.get(f"/v1/jobs/{job_id}/events").status_code == 200


def test_a_look_tells_how_far_running_steps_are(database: Database, tmp_path: Path) -> None:
    """Beside the events since the last look, of which there are none the second time."""
    gateway = GatewayApp(database, tmp_path)
    job_id = gateway.submit()
    (pack,) = gateway.workforce.take()
    progress = Progress(fraction=0.5, message="packing")
    with database.write() as session:
        gateway.ledger.renew(session, pack.step_key, 1, holder="w1", progress=progress, now=gateway.now)
    with database.read() as session:
        first = look_at_job(session, job_id, after=0)
        second = look_at_job(session, job_id, after=first.events[-1].id)
    assert {event.type for event in first.events} == {"job", "step", "pipeline"}
    assert second.events == ()
    assert not second.is_last
    assert second.progress is not None
    assert [(step.title, step.progress) for step in second.progress.running] == [("pack", progress)]
    assert 0 < second.progress.progress < 0.5


def test_a_job_that_was_deleted_is_not_looked_at(database: Database, tmp_path: Path) -> None:
    """Whoever watches learns of it."""
    with database.read() as session, pytest.raises(NotFoundError, match="job-1"):
        look_at_job(session, "job-1", after=0)
