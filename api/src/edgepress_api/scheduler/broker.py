"""The scheduler's access to Redis: the stream of events, the stop flags, the live workers, and Celery's queues."""

from contextlib import suppress
from typing import cast

from celery import Celery
from pydantic import ValidationError
from redis import Redis
from redis.exceptions import NoPermissionError, RedisError

from edgepress_api.scheduler.idling import BUSY_SECONDS
from edgepress_common.messages import (
    EVENT_FIELD,
    EVENT_STREAM,
    LIVE_WORKERS,
    QUEUES,
    RUN_STEP_TASK,
    LiveWorker,
    RunStep,
    cancel_key,
    live_worker_key,
    queue_name,
)

BATCH = 200  # events applied in one transaction: tens of milliseconds
_WAKE_FIELD = "wake"  # of an entry without an event
_STOP_SECONDS = 24 * 3600  # longer than any attempt goes on without looking


class RedisInbox:
    """See `edgepress_api.scheduler.intake.Inbox`."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def read(self, wait_seconds: float = BUSY_SECONDS) -> list[tuple[str, bytes]]:
        """See `Inbox.read`."""
        reply = self._redis.xread({EVENT_STREAM: "0"}, count=BATCH, block=round(wait_seconds * 1000))
        streams = cast("list[tuple[bytes, list[tuple[bytes, dict[bytes, bytes]]]]]", reply or [])
        return [
            (id_.decode(), fields.get(EVENT_FIELD.encode(), b"")) for _, entries in streams for id_, fields in entries
        ]

    def wake(self) -> None:
        """See `Inbox.wake`. Does nothing while Redis is unavailable: nothing waits for it then."""
        with suppress(RedisError, OSError):
            self._redis.xadd(EVENT_STREAM, {_WAKE_FIELD: 1})

    def delete(self, ids: list[str]) -> None:
        """See `Inbox.delete`."""
        self._redis.xdel(EVENT_STREAM, *ids)

    def stop(self, step_key: str, attempt: int) -> None:
        """See `Inbox.stop`."""
        self._redis.set(cancel_key(step_key, attempt), 1, ex=_STOP_SECONDS)

    def workers(self) -> list[LiveWorker]:
        """See `Inbox.workers`. Removes the names of workers that have ended."""
        with suppress(NoPermissionError):  # until Redis has the rules of this version, none is known
            names = sorted(cast("set[bytes]", self._redis.smembers(LIVE_WORKERS)))
            if names:
                keys = [live_worker_key(name.decode(errors="replace")) for name in names]
                found = dict(zip(names, cast("list[bytes | None]", self._redis.mget(keys)), strict=True))
                if ended := [name for name, content in found.items() if content is None]:
                    self._redis.srem(LIVE_WORKERS, *ended)
                return [worker for content in found.values() if content and (worker := _live_worker(content))]
        return []


def _live_worker(content: bytes) -> LiveWorker | None:
    try:
        return LiveWorker.model_validate_json(content)
    except ValidationError:  # of another version
        return None


class Outbox:
    """Sends steps to workers, as Celery tasks by name."""

    def __init__(self, redis_url: str) -> None:
        self._celery = Celery("edgepress", broker=redis_url)
        self._celery.conf.update(
            task_ignore_result=True,
            broker_connection_retry_on_startup=True,
            broker_transport_options={"socket_timeout": 10, "socket_connect_timeout": 10},
        )

    def send(self, step: RunStep) -> None:
        """Send one step to the queue of its kind and its machine."""
        self._celery.send_task(
            RUN_STEP_TASK,
            args=[step.model_dump(mode="json")],
            queue=queue_name(QUEUES[step.parameters.kind], step.machine_id),
            task_id=f"{step.step_key}-{step.attempt}",
            retry=False,
        )
