"""A key in Redis that shows the scheduler that this worker takes steps, and on which machine.

The scheduler has to know idle workers only while a device measures on another machine: it then sends steps to the queue
of a machine with an idle worker. So a worker keeps a key in Redis that expires soon after its last heartbeat.
"""

import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress

from redis import Redis
from redis.exceptions import RedisError

from edgepress_common.messages import LIVE_WORKERS, LiveWorker, live_worker_key

_EXPIRES_SECONDS = 20  # four heartbeats


class Presence:
    """The key of this worker.

    Args:
        redis: Connection to Redis.
        machine_id: The machine of the worker. Without it, there is no key: no step is sent to this worker's machine.
        queues: Names of the queues that it processes.
        is_stopping: Function that returns whether the worker has been told to stop.
    """

    def __init__(
        self, redis: Redis, machine_id: str | None, queues: Sequence[str], *, is_stopping: Callable[[], bool]
    ) -> None:
        self._redis = redis
        self._worker = None if machine_id is None else LiveWorker(machine_id=machine_id, queues=tuple(queues))
        self._is_stopping = is_stopping
        self._name = uuid.uuid4().hex

    def beat(self) -> None:
        """Keep the key, unless the worker is being stopped.

        Does nothing while Redis is unavailable, or still has the rules of an earlier version: the worker then gets
        steps from the queues of all workers.
        """
        if self._worker is None or self._is_stopping():
            return
        with suppress(RedisError, OSError):
            self._redis.set(live_worker_key(self._name), self._worker.model_dump_json(), ex=_EXPIRES_SECONDS)
            self._redis.sadd(LIVE_WORKERS, self._name)

    def end(self) -> None:
        """Delete the key."""
        if self._worker is not None:
            with suppress(RedisError, OSError):
                self._redis.delete(live_worker_key(self._name))
