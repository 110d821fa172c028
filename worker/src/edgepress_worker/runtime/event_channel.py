"""The worker's event channel to the scheduler, over Redis: claims, events, and stop flags.

A queue may deliver a step twice: it was sent again because no worker had begun it, or Redis was restored from an older
state. Therefore a worker claims a step before it begins: it writes its attempt number under the step's key, and only a
later attempt than the one written there may claim the step. The claim outlives the attempt by a day, longer than a
queue keeps a duplicate.

The claim and the `started` event are one atomic operation. Otherwise the scheduler would not know of a worker that was
killed in between, and no other worker could claim the step. A Redis that was killed has lost its claims, so every
heartbeat writes them again.
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
    AttemptName,
    RunStep,
    StepStarted,
    WorkerEvent,
    cancel_key,
    claim_key,
)
from edgepress_common.pauses import growing_pauses

logger = logging.getLogger(__name__)

_CLAIM_SECONDS = 24 * 3600
_MAX_EVENTS = (
    100_000  # a scheduler that is down for long must not fill Redis; leases in the database cover what is dropped
)

# KEYS: the claim, the stream. ARGV: the attempt, the claim's lifetime and, if an event is sent: the field, the event,
# the maximum length of the stream. Redis runs a script atomically.
_CLAIM_SCRIPT = """
local held = tonumber(redis.call('GET', KEYS[1]) or '0')
if held >= tonumber(ARGV[1]) then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
if ARGV[3] then redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[5], '*', ARGV[3], ARGV[4]) end
return 1
"""


class EventChannel(Protocol):
    """Connection of a worker to the scheduler."""

    def claim(self, event: StepStarted) -> bool:
        """Claim the attempt, send the event, and return whether the claim succeeded: once per attempt."""
        ...

    def hold(self, step: RunStep) -> None:
        """Renew the claim of an attempt if Redis has lost it; does nothing while Redis is unavailable."""
        ...

    def post(self, event: WorkerEvent) -> None:
        """Send an event to the scheduler; waits as long as Redis is unavailable, because a result must not be lost."""
        ...

    def post_if_possible(self, event: WorkerEvent) -> None:
        """Send an event, or drop it while Redis is unavailable: the next heartbeat replaces it."""
        ...

    def is_stopped(self, step: AttemptName) -> bool:
        """Whether the scheduler has told this attempt to stop."""
        ...


class RedisEventChannel:
    """See `EventChannel`."""

    def __init__(self, redis: Redis, wait: Callable[[float], object]) -> None:
        self._redis = redis
        self._wait = wait
        self._claim = redis.register_script(_CLAIM_SCRIPT)

    def claim(self, event: StepStarted) -> bool:
        """See `EventChannel.claim`."""
        return bool(
            self._claim(
                keys=[claim_key(event.step_key), EVENT_STREAM],
                args=[event.attempt, _CLAIM_SECONDS, EVENT_FIELD, event.model_dump_json(), _MAX_EVENTS],
            )
        )

    def hold(self, step: RunStep) -> None:
        """See `EventChannel.hold`."""
        with suppress(RedisConnectionError, RedisTimeoutError):
            self._claim(keys=[claim_key(step.step_key), EVENT_STREAM], args=[step.attempt, _CLAIM_SECONDS])

    def post(self, event: WorkerEvent) -> None:
        """See `EventChannel.post`."""
        for pause in growing_pauses():
            try:
                return self._add(event)
            except (RedisConnectionError, RedisTimeoutError) as error:
                logger.warning(
                    "Redis is unavailable; the %s event of %s waits: %s", event.type, event.step_key[:12], error
                )
                self._wait(pause)

    def post_if_possible(self, event: WorkerEvent) -> None:
        """See `EventChannel.post_if_possible`."""
        try:
            self._add(event)
        except (RedisConnectionError, RedisTimeoutError) as error:
            logger.warning("Redis is unavailable; dropped a %s event: %s", event.type, error)

    def is_stopped(self, step: AttemptName) -> bool:
        """See `EventChannel.is_stopped`. False while Redis is unavailable."""
        try:
            return bool(self._redis.exists(cancel_key(step.step_key, step.attempt)))
        except (RedisConnectionError, RedisTimeoutError):
            return False

    def _add(self, event: WorkerEvent) -> None:
        self._redis.xadd(EVENT_STREAM, {EVENT_FIELD: event.model_dump_json()}, maxlen=_MAX_EVENTS, approximate=True)
