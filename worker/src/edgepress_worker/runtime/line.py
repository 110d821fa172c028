"""The worker's line to the scheduler, over Redis: claims, events, and flags that say stop.

A queue may deliver a step twice (it was sent again because nobody had begun on it, or Redis came back from an older
state). So a worker claims a step before it begins, by writing its attempt's number under the step's key; only a later
attempt than the one written there may claim it. The claim outlives the attempt by a day, longer than a queue keeps a
double.

Claiming and saying so are one: of a worker that was killed in between nobody would know, and nobody else could claim
the step. A Redis that was killed has lost its claims, so they are written again with each sign of life.
"""

import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from edgepress_common.messages import (
    EVENT_FIELD,
    EVENT_STREAM,
    RunStep,
    StepStarted,
    WorkerEvent,
    cancel_key,
    claim_key,
)

logger = logging.getLogger(__name__)

_CLAIM_SECONDS = 24 * 3600
_RETRY_SECONDS = 1.0
_MAX_EVENTS = 100_000  # a scheduler that is away for long must not fill Redis; the database makes good what is dropped

# KEYS: the claim, the stream. ARGV: the attempt, how long it holds, and, if it is to be said: the field, the event, the
# stream's length. Atomic, as scripts are.
_CLAIM_SCRIPT = """
local held = tonumber(redis.call('GET', KEYS[1]) or '0')
if held >= tonumber(ARGV[1]) then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
if ARGV[3] then redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[5], '*', ARGV[3], ARGV[4]) end
return 1
"""


class Line(Protocol):
    """What a worker can say and ask."""

    def claim(self, event: StepStarted) -> bool:
        """Whether this attempt is the worker's to make; if so, leaves the event as well. True once per attempt."""
        ...

    def hold(self, step: RunStep) -> None:
        """Claims an attempt that is the worker's already once more, if the claim was lost and Redis is there."""
        ...

    def post(self, event: WorkerEvent) -> None:
        """Leaves an event for the scheduler, however long that takes: a result must not be lost."""
        ...

    def post_if_possible(self, event: WorkerEvent) -> None:
        """Leaves an event, or drops it when Redis is away: the next sign of life will do."""
        ...

    def is_stopped(self, step: RunStep) -> bool:
        """Whether the scheduler has told this attempt to stop."""
        ...


class RedisLine:
    """See `Line`."""

    def __init__(self, redis: Redis, wait: Callable[[float], object]) -> None:
        self._redis = redis
        self._wait = wait
        self._claim = redis.register_script(_CLAIM_SCRIPT)

    def claim(self, event: StepStarted) -> bool:
        """See `Line.claim`."""
        return bool(
            self._claim(
                keys=[claim_key(event.step_key), EVENT_STREAM],
                args=[event.attempt, _CLAIM_SECONDS, EVENT_FIELD, event.model_dump_json(), _MAX_EVENTS],
            )
        )

    def hold(self, step: RunStep) -> None:
        """See `Line.hold`."""
        with suppress(RedisConnectionError, RedisTimeoutError):
            self._claim(keys=[claim_key(step.step_key), EVENT_STREAM], args=[step.attempt, _CLAIM_SECONDS])

    def post(self, event: WorkerEvent) -> None:
        """See `Line.post`."""
        while True:
            try:
                return self._add(event)
            except (RedisConnectionError, RedisTimeoutError) as error:
                logger.warning("Redis is away, holding the %s of %s: %s", event.type, event.step_key[:12], error)
                self._wait(_RETRY_SECONDS)

    def post_if_possible(self, event: WorkerEvent) -> None:
        """See `Line.post_if_possible`."""
        try:
            self._add(event)
        except (RedisConnectionError, RedisTimeoutError) as error:
            logger.warning("Redis is away, dropped a %s: %s", event.type, error)

    def is_stopped(self, step: RunStep) -> bool:
        """See `Line.is_stopped`. When Redis is away, nobody has."""
        try:
            return bool(self._redis.exists(cancel_key(step.step_key, step.attempt)))
        except (RedisConnectionError, RedisTimeoutError):
            return False

    def _add(self, event: WorkerEvent) -> None:
        self._redis.xadd(EVENT_STREAM, {EVENT_FIELD: event.model_dump_json()}, maxlen=_MAX_EVENTS, approximate=True)
