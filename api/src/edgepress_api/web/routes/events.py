"""``/v1/jobs/{id}/events``: the events of a job, as a stream of server-sent events.

Events are numbered, and replayed from the number after the last one that the client has. ``progress`` reports the
progress of the running steps; it has no number, because it is not replayed. The stream ends with the job.
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.sse import EventSourceResponse, ServerSentEvent
from starlette.exceptions import HTTPException

from edgepress_api.jobs.watching import Glance, look_at_job
from edgepress_api.web.adapters import Adapters, Given
from edgepress_api.web.authorization import Reader, VisibleJob
from edgepress_api.web.responses import problems
from edgepress_api.web.shared_looks import SharedLooks, Version
from edgepress_common.errors import NotFoundError, TooManyStreamsError

MOST_STREAMS = 30  # of one user
_LOOK_SECONDS = 0.5
_CHECK_SECONDS = 5.0  # a token that was revoked is refused at the next request, and here soon
_RECONNECT_MS = 2000  # what a browser is told to wait before it asks again

_DESCRIPTION = (
    "Server-sent events. `job`, `plan`, `pipeline`, `step` and `epoch` are numbered; `progress` is not. The data of "
    "each is JSON. `plan` names the pipelines that were added to the job: read its plan again. A "
    "comment is sent every 15 seconds, so that proxies keep the connection open."
)
_EXAMPLE = (
    'event: step\nid: 17\ndata: {"id":17,"type":"step","at":"2026-01-01T00:00:00Z","data":{"title":"train",'
    '"state":"running","attempt":1}}\n\nevent: progress\ndata: {"progress":0.4,"running":[]}\n\n'
)

router = APIRouter(tags=["jobs"])

_InHeader = Annotated[int | None, Header(ge=0, lt=2**63, description="Number of the last event that the client has.")]
_InQuery = Annotated[
    int | None,
    Query(
        alias="last_event_id",
        ge=0,
        lt=2**63,
        description="The same as the header Last-Event-ID, for clients that can't set headers.",
    ),
]


def _known_event(given: Given, job_id: VisibleJob, last_event_id: _InHeader = None, in_query: _InQuery = None) -> int:
    """Return the last event that the client has; respond before the stream begins if there will be no more events."""
    known = last_event_id or in_query or 0
    glance = _look(given, job_id, known)
    if known and glance.is_last and not glance.events:
        raise HTTPException(204)  # tells a browser not to reconnect
    return known


async def _place(request: Request, who: Reader) -> AsyncIterator[None]:
    """Count the open streams of the user, and refuse one beyond the limit."""
    opened: Counter[str] = request.app.state.event_streams
    if opened[who.user] >= MOST_STREAMS:
        raise TooManyStreamsError(f"{who.user} has {MOST_STREAMS} event streams open; accepted: at most that many")
    opened[who.user] += 1
    try:
        yield
    finally:
        opened[who.user] -= 1


@router.get(
    "/v1/jobs/{job_id}/events",
    response_class=EventSourceResponse,
    responses={
        200: {"description": _DESCRIPTION, "content": {"text/event-stream": {"example": _EXAMPLE}}},
        204: {"description": "The job has ended, and all its events are known."},
        **problems("not-found", "invalid-request", "too-many-streams"),
    },
)
async def follow_job(
    request: Request,
    given: Given,
    _: Reader,
    job_id: VisibleJob,
    known: Annotated[int, Depends(_known_event)],
    __: Annotated[None, Depends(_place)],
) -> AsyncIterator[ServerSentEvent]:
    """Follow a job's events as they happen."""
    yield ServerSentEvent(comment=f"events of {job_id}", retry=_RECONNECT_MS)
    looks: SharedLooks = request.app.state.looks
    progress = None
    checked_at = time.monotonic()
    with looks.following():
        while not given.is_stopping():
            if time.monotonic() - checked_at > _CHECK_SECONDS:
                shown = request.headers.get("authorization", "")
                if not await looks.still_knows(shown, request.state.is_still_known):
                    return  # the token was revoked, or has expired
                checked_at = time.monotonic()
            version = looks.version
            try:
                glance = await looks.look(job_id, known)
            except NotFoundError:
                return  # deleted in the meantime
            for event in glance.events:
                known = event.id
                yield ServerSentEvent(event=event.type, id=str(event.id), data=event)
            if glance.is_last:
                return
            if glance.progress is not None and glance.progress != progress:
                progress = glance.progress
                yield ServerSentEvent(event="progress", data=progress)
            if not glance.events:
                await _change(given, looks, version, until=checked_at + _CHECK_SECONDS)


async def _change(given: Adapters, looks: SharedLooks, version: Version, *, until: float) -> None:
    """Wait until there may be something new, the gateway stops, or a moment of the monotonic clock has come."""
    await asyncio.sleep(_LOOK_SECONDS)
    # Not an event that each change sets: with hundreds of streams, looking costs less than waking all of them.
    while looks.version == version and time.monotonic() < until and not given.is_stopping():  # noqa: ASYNC110
        await asyncio.sleep(_LOOK_SECONDS)


def _look(given: Adapters, job_id: str, known: int) -> Glance:
    with given.database.read() as session:
        return look_at_job(session, job_id, after=known)
