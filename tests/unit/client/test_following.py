"""Following a job: by the gateway's event stream, or by polling without one."""

import itertools
import json
from collections.abc import Iterator

import httpx
import pytest

from edgepress_client import Client
from edgepress_client.connection import Connection
from edgepress_client.following import JobEventStream, read_events
from edgepress_common.answers.jobs import JobView
from edgepress_common.errors import UnavailableError
from fakes.job_gateway import make_job, make_step

RUNNING = make_job(make_step("train", "running"))
DONE = make_job(make_step("train"), state="succeeded")


class Streaming:
    """A gateway whose event streams are written down by the test: an answer for each time that it is asked for one.

    Attributes:
        known: The last event that the client said it knows, each time.
        looks: What successive looks at the job see; the last for ever.
    """

    def __init__(self, *streams: str | Exception | httpx.Response, looks: Iterator[JobView]) -> None:
        self.known: list[str | None] = []
        self.looks = looks
        self.waited: list[float] = []
        self._streams = iter(streams)

    def channel(self) -> JobEventStream:
        """The channel of a client of it."""
        return JobEventStream(self.connection(), "job-1", wait=self.waited.append)

    def connection(self) -> Connection:
        """A connection to it."""
        return Connection("http://gateway", transport=httpx.MockTransport(self._answer))

    def _answer(self, request: httpx.Request) -> httpx.Response:
        if not request.url.path.endswith("/events"):
            return httpx.Response(200, content=next(self.looks).model_dump_json())
        self.known.append(request.headers.get("last-event-id"))
        found = next(self._streams)
        if isinstance(found, Exception):
            raise found
        if isinstance(found, httpx.Response):
            return found
        return httpx.Response(200, text=found, headers={"content-type": "text/event-stream; charset=utf-8"})


def event(type_: str, id_: int | None = None) -> str:
    """An event as it is streamed."""
    number = "" if id_ is None else f"id: {id_}\n"
    return f"event: {type_}\n{number}data: {json.dumps({'type': type_})}\n\n"


def test_events_are_read_as_the_standard_has_them() -> None:
    """Comments and what is not finished are left out; data of several lines is put together."""
    text = ": hello\nretry: 2000\n\nevent: step\nid: 7\ndata: {\ndata: }\n\ndata:x\n\nevent: cut"
    assert [(e.type, e.id, e.data) for e in read_events(iter(text.split("\n")))] == [
        ("step", "7", "{\n}"),
        ("message", None, "x"),
    ]


def test_what_happened_before_is_not_waited_for_one_by_one() -> None:
    """The replay ends with the first word on progress; each event after that is a change."""
    gateway = Streaming(
        event("job", 1) + event("step", 2) + event("progress") + event("plan", 3) + event("epoch", 4),
        looks=itertools.repeat(RUNNING),
    )
    channel = gateway.channel()
    for _ in range(3):
        channel.await_change()
    assert gateway.waited == []
    assert gateway.known == [None]


def test_unknown_events_are_not_a_change() -> None:
    """A newer gateway may send them; neither is what is not JSON."""
    gateway = Streaming(
        event("progress") + event("weather", 8) + "event: step\ndata: no json\n\n", "", looks=itertools.repeat(RUNNING)
    )
    channel = gateway.channel()
    channel.await_change()
    channel.await_change()  # the end of the stream
    channel.await_change()
    assert gateway.known == [None, "8"]
    assert gateway.waited == [1.0]


@pytest.mark.parametrize("broken", [httpx.ReadError("cut"), httpx.ReadTimeout("silence")])
def test_a_stream_that_breaks_is_opened_again_after_the_last_event(broken: Exception) -> None:
    """The client names the number of the last event."""
    gateway = Streaming(
        event("progress") + event("step", 5), broken, event("step", 6) + event("progress"), looks=itertools.repeat(DONE)
    )
    channel = gateway.channel()
    for _ in range(5):
        channel.await_change()
    assert gateway.known == [None, "5", "5"]
    assert gateway.waited == [1.0]


@pytest.mark.parametrize("status", [404, 405, 406])
def test_without_a_stream_the_job_is_polled(status: int) -> None:
    """The stream is asked for once."""
    refused = httpx.Response(status, json={"title": "no", "status": status})
    gateway = Streaming(refused, looks=itertools.repeat(RUNNING))
    channel = gateway.channel()
    channel.await_change()
    channel.await_change()
    assert (gateway.known, gateway.waited) == ([None], [1.0, 1.0])


def test_a_job_is_seen_again_at_each_event_and_at_its_end() -> None:
    """The whole job is read each time; watching ends with the job."""
    gateway = Streaming(event("progress") + event("step", 2), looks=iter([RUNNING, RUNNING, RUNNING, DONE]))
    with Client("http://gateway", transport=httpx.MockTransport(gateway._answer)) as client:
        assert [view.state for view in client.jobs.get("job-1").watch()] == ["running"] * 3 + ["succeeded"]


def test_a_wait_that_is_over_says_so() -> None:
    """The job goes on."""
    gateway = Streaming(looks=itertools.repeat(RUNNING))
    with (
        Client("http://gateway", transport=httpx.MockTransport(gateway._answer)) as client,
        pytest.raises(TimeoutError, match=r"job-1 has not ended within 0\.05 seconds"),
    ):
        client.jobs.get("job-1").wait(timeout_seconds=0.05)


def test_a_request_is_repeated_if_its_connection_breaks() -> None:
    """A GET is, and a submission, which has a key that makes it one job; a cancellation is not."""
    requests: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        request.read()
        requests.append(request)
        if len(requests) % 3:
            raise httpx.RemoteProtocolError("Server disconnected without sending a response.")
        return httpx.Response(200, content=RUNNING.model_dump_json())

    with Client("http://gateway", transport=httpx.MockTransport(answer)) as client:
        job = client.jobs.submit({"name": "x"})
        assert len({request.headers["idempotency-key"] for request in requests}) == 1
        assert (len(requests), job.view().id, len(requests)) == (3, "job-1", 6)
        with pytest.raises(UnavailableError):
            job.cancel()
    assert len(requests) == 7
