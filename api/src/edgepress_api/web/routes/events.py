"""``/v1/jobs/{id}/events``: what happens to a job, as it happens.

Events are numbered, and replayed after the number that a client says it knows. Between them, and without a number since
there is nothing to replay, ``progress`` says how far the running steps are. The stream ends with the job.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query
from fastapi.concurrency import run_in_threadpool
from fastapi.sse import EventSourceResponse, ServerSentEvent
from starlette.exceptions import HTTPException

from edgepress_api.jobs.watching import Glance, look_at_job
from edgepress_api.web.adapters import Adapters, Given
from edgepress_api.web.authorization import Reader, VisibleJob
from edgepress_api.web.responses import problems
from edgepress_common.errors import NotFoundError

_LOOK_SECONDS = 0.5
_RECONNECT_MS = 2000  # what a browser is told to wait before it asks again

_DESCRIPTION = (
    "Server-sent events. `job`, `pipeline`, `step` and `epoch` are numbered; `progress` is not. The data of each is "
    "JSON. A comment is sent every 15 seconds, so that nobody on the way takes the line for dead."
)
_EXAMPLE = (
    'event: step\nid: 17\ndata: {"id":17,"type":"step","at":"2026-01-01T00:00:00Z","data":{"title":"train",'
    '"state":"running","attempt":1}}\n\nevent: progress\ndata: {"progress":0.4,"running":[]}\n\n'
)

router = APIRouter(tags=["jobs"])

_InHeader = Annotated[int | None, Header(ge=0, lt=2**63, description="The last event that is known already.")]
_InQuery = Annotated[
    int | None, Query(alias="last_event_id", ge=0, lt=2**63, description="The same, for who can't set headers.")
]


def _known_event(given: Given, job_id: VisibleJob, last_event_id: _InHeader = None, in_query: _InQuery = None) -> int:
    """The last event that the client knows, once it is sure that there is something to say before the stream begins."""
    known = last_event_id or in_query or 0
    glance = _look(given, job_id, known)
    if known and glance.is_last and not glance.events:
        raise HTTPException(204)  # tells a browser that it need not ask again
    return known


@router.get(
    "/v1/jobs/{job_id}/events",
    response_class=EventSourceResponse,
    responses={
        200: {"description": _DESCRIPTION, "content": {"text/event-stream": {"example": _EXAMPLE}}},
        204: {"description": "The job has ended, and all its events are known."},
        **problems("not-found", "invalid-request"),
    },
)
async def follow_job(
    given: Given, _: Reader, job_id: VisibleJob, known: Annotated[int, Depends(_known_event)]
) -> AsyncIterator[ServerSentEvent]:
    """Follow a job's events as they happen."""
    yield ServerSentEvent(comment=f"events of {job_id}", retry=_RECONNECT_MS)
    progress = None
    while not given.is_stopping():
        try:
            glance = await run_in_threadpool(_look, given, job_id, known)
        except NotFoundError:
            return  # deleted meanwhile
        for event in glance.events:
            known = event.id
            yield ServerSentEvent(event=event.type, id=str(event.id), data=event)
        if glance.is_last:
            return
        if glance.progress is not None and glance.progress != progress:
            progress = glance.progress
            yield ServerSentEvent(event="progress", data=progress)
        if not glance.events:
            await asyncio.sleep(_LOOK_SECONDS)


def _look(given: Adapters, job_id: str, known: int) -> Glance:
    with given.database.read() as session:
        return look_at_job(session, job_id, after=known)
