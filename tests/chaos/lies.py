"""Lies: what a device, a worker, a user or Redis says that is not true, and how it is answered.

A lie over HTTP is refused, with words that say what was wrong. What a worker says on the stream of events has no
answer: it is without effect, or what it claims to have made is made again. Redis that has lost everything says nothing.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import httpx
from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from chaos.acts import Liar
from chaos.moments import Lookout, ObservedStep
from chaos.stack import BreakableStack
from edgepress_api.database import StepRow
from edgepress_common.artifacts import ArtifactRef
from edgepress_common.messages import (
    EVENT_FIELD,
    EVENT_STREAM,
    QUEUES,
    StepFailed,
    StepFailure,
    StepFinished,
    StepProgress,
    StepReturned,
    StepStarted,
    WorkerEvent,
    claim_key,
)
from fakes.jobs import evaluation_result, made_up

_PATIENCE_SECONDS = 30.0
_NOWHERE = "0" * 64
_SPEC: Mapping[str, Any] = {
    "name": "lie",
    "dataset": {"kind": "upload", "sha256": _NOWHERE, "image_size": 32},
    "model": {"architecture": "mobilenet"},
    "pipelines": [{"name": "base", "exports": ["int8"]}],
}


class Told(NamedTuple):
    """A lie, and how it was answered.

    Attributes:
        lie: What was said, and which component said it.
        answer: What the gateway said to that.
        is_refused: Whether it was refused, with words.
    """

    lie: str
    answer: str
    is_refused: bool


def tell(stack: BreakableStack, lookout: Lookout, liar: Liar) -> tuple[list[Told], set[str]]:
    """Tell the lies of a liar.

    Returns:
        The lies that were answered, and the keys of the steps that did not give what was said: they are done again.
    """
    try:
        match liar:
            case "device":
                return [*_device(stack, lookout)], set()
            case "user":
                return [*_user(stack)], set()
            case "worker":
                return [], _worker(stack, lookout)
            case "redis":
                return [], _redis(stack)
    except (OperationalError, RedisError):  # killed or stopped by another act: the lie was not heard
        return [], set()


def _device(stack: BreakableStack, lookout: Lookout) -> Iterator[Told]:
    """Impossible figures, those of another file, of a lease it does not have, and a result that was given before."""
    lookout.wait_for("measuring", patience_seconds=_PATIENCE_SECONDS)
    with stack.database.read() as session:
        rows = session.scalars(select(StepRow).where(StepRow.kind == "evaluation")).all()
        running = [(row.key, row.attempt) for row in rows if row.state == "running"]
        done = [(row.key, row.attempt, row.result) for row in rows if row.state == "succeeded"]
    result: dict[str, Any] = (done[0][2] if done else evaluation_result("host")).model_dump(mode="json")  # type: ignore[union-attr]
    for key, attempt in running[:1]:
        yield from _reports(stack, "an impossible accuracy", "host", key, attempt, result | {"accuracy": 5})
        yield from _reports(stack, "figures of another file", "host", key, attempt, result | {"model_sha256": _NOWHERE})
        yield from _reports(stack, "another attempt", "host", key, attempt + 1, result)
        yield from _reports(stack, "the lease of another device", "liar", key, attempt, result)
    yield from _reports(stack, "a step that does not exist", "host", _NOWHERE, 1, result)
    for key, attempt, _ in done[:1]:
        yield from _reports(stack, "a result twice", "host", key, attempt, result)


def _reports(
    stack: BreakableStack, lie: str, device: str, key: str, attempt: int, result: Mapping[str, Any]
) -> Iterator[Told]:
    path = f"/v1/devices/{device}/leases/{key}/{attempt}/finish"
    yield from _said(f"device: {lie}", lambda: stack.http.post(path, json=result), {409, 422})


def _said(lie: str, request: Callable[[], httpx.Response], refusals: set[int]) -> Iterator[Told]:
    """Return the answer; nothing if there is none: the gateway was just killed, or its database is unavailable."""
    with suppress(httpx.HTTPError):
        answer = request()
        if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
            has_words = answer.headers.get("Content-Type") == "application/problem+json" and answer.json()["detail"]
            yield Told(lie, answer.text[:300], answer.status_code in refusals and bool(has_words))


def _user(stack: BreakableStack) -> Iterator[Told]:
    """Wrong about the type of an upload, its length, its encoding, and the hash of what it uploaded before."""
    token = {"Authorization": f"Bearer {stack.stranger}"}

    def uploads(lie: str, content: bytes, refusals: set[int], **headers: str) -> Iterator[Told]:
        named = token | {name.replace("_", "-"): value for name, value in headers.items()}
        url = "/v1/datasets?name=lie"
        yield from _said(f"user: {lie}", lambda: stack.http.post(url, content=content, headers=named), refusals)

    yield from uploads("text as a zip", b"no zip at all", {400, 415, 422}, Content_Type="application/zip")
    yield from uploads("a zip as YAML", b"PK\3\4" + bytes(100), {415}, Content_Type="application/yaml")
    yield from uploads("half a zip", b"PK\3\4" + bytes(100), {400, 422}, Content_Type="application/zip")
    yield from uploads(
        "a body as gzip that is none",
        b"PK\3\4",
        {400, 415, 422},
        Content_Type="application/zip",
        Content_Encoding="gzip",
    )
    yield from _said(
        "user: a hash that nothing has", lambda: stack.http.post("/v1/jobs", json=_SPEC, headers=token), {404, 422}
    )
    for length in (5, 1000):  # less than there is, and more
        _wrong_length(stack, length)


def _wrong_length(stack: BreakableStack, length: int) -> None:
    """Send ten bytes as an upload of another length, and leave: nothing of it may stay."""
    address = urlsplit(stack.stack.url)
    head = (
        f"POST /v1/datasets?name=lie HTTP/1.1\r\nHost: {address.netloc}\r\nAuthorization: Bearer {stack.stranger}\r\n"
        f"Content-Type: application/zip\r\nContent-Length: {length}\r\n\r\n"
    )
    with suppress(OSError), socket.create_connection((address.hostname, address.port), timeout=5) as connection:
        connection.sendall(head.encode() + b"PK\3\4" + bytes(6))
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(1 << 16):
            pass


def _worker(stack: BreakableStack, lookout: Lookout) -> set[str]:
    """Events of past attempts, double ones, ones that can't be parsed, and an artifact that it never put."""
    lookout.wait_for("just begun", patience_seconds=_PATIENCE_SECONDS)
    with stack.database.read() as session:
        rows = session.scalars(select(StepRow).where(StepRow.kind != "evaluation")).all()
        done = [(row.key, row.attempt, row.kind) for row in rows if row.state == "succeeded"]
    running = [step for step in lookout.active() if step.kind != "evaluation"]
    past = [(step.key, step.attempt - 1, step.kind) for step in running if step.attempt > 1]
    events = [event for name in (*done[:3], *past) for event in _of_the_past(*name)]
    events += [event for step in running for event in _double(stack, step)]
    exports = [step for step in running if step.kind == "export"]
    events += [_claimed(step) for step in exports]
    with _redis_of_the_worker(stack) as redis:
        for content in (*(event.model_dump_json() for event in events), b"\xff{", '{"type": "promoted"}', "[]"):
            redis.xadd(EVENT_STREAM, {EVENT_FIELD: content})
    return {step.key for step in exports}


def _of_the_past(key: str, attempt: int, kind: str) -> Iterator[WorkerEvent]:
    outputs, result = made_up(kind)
    yield StepStarted(step_key=key, attempt=attempt, worker="liar")
    yield StepFinished(step_key=key, attempt=attempt, worker="liar", outputs=outputs, result=result)
    yield StepFailed(step_key=key, attempt=attempt, worker="liar", failure=StepFailure.of("internal", "a lie"))
    yield StepReturned(step_key=key, attempt=attempt, worker="liar")


def _double(stack: BreakableStack, step: ObservedStep) -> Iterator[WorkerEvent]:
    with stack.database.read() as session:
        row = session.get_one(StepRow, step.key)
        if row.progress is not None and row.holder is not None:
            again = StepProgress(step_key=step.key, attempt=step.attempt, worker=row.holder, progress=row.progress)
            yield from (again, again)


def _claimed(step: ObservedStep) -> StepFinished:
    """The step is done, with an artifact that is nowhere."""
    _, result = made_up("export")
    nowhere = {"tflite": ArtifactRef(sha256=_NOWHERE, size_bytes=100)}
    return StepFinished(step_key=step.key, attempt=step.attempt, worker="liar", outputs=nowhere, result=result)


def _redis(stack: BreakableStack) -> set[str]:
    """Empty it, while all stay connected: queues, events, claims and flags."""
    with stack.database.read() as session:
        claims = [claim_key(key) for key in session.scalars(select(StepRow.key))]
    with _redis_of_the_worker(stack) as redis:
        for key in (*claims, *sorted(set(QUEUES.values())), EVENT_STREAM, "unacked", "unacked_index"):
            redis.delete(key)
    return set()


def _redis_of_the_worker(stack: BreakableStack) -> Redis:
    process = stack.process("worker")
    if process is None:
        raise RedisError("no worker runs whose password could be used")
    return Redis.from_url(process.environ()["EDGEPRESS_REDIS_URL"], socket_timeout=5)
