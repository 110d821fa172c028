"""The worker's event channel and the scheduler's inbox: one contract, for the list and for a real Redis."""

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from edgepress_api.scheduler.broker import RedisInbox
from edgepress_common.messages import EVENT_STREAM, RunStep, StepStarted
from edgepress_common.spec import BuiltinDataset
from edgepress_common.steps import PackStep
from edgepress_worker.runtime.event_channel import EventChannel, RedisEventChannel
from fakes.event_channel import ListEventChannel

STEP = RunStep(
    step_key="b" * 64, attempt=1, parameters=PackStep(dataset=BuiltinDataset(image_size=32), fingerprint="digits")
)


@pytest.fixture
def redis(redis_url: str) -> Redis:
    """A real Redis, emptied."""
    client = Redis.from_url(redis_url)
    client.flushall()
    return client


class Ends(NamedTuple):
    """A line, and the scheduler's end of it.

    Attributes:
        stop: Says stop.
        attempts: Attempts that were said to be begun, in order.
        lose: What happens when Redis is killed.
    """

    line: EventChannel
    stop: Callable[[str, int], None]
    attempts: Callable[[], list[int]]
    lose: Callable[[], object]


@pytest.fixture(params=["list", "redis"])
def ends(request: pytest.FixtureRequest) -> Ends:
    """An unused channel and its inbox."""
    if request.param == "list":
        line = ListEventChannel()
        return Ends(line, line.stop, lambda: [event.attempt for event in line.events], line.lose)
    redis = request.getfixturevalue("redis")
    inbox = RedisInbox(redis)
    return Ends(
        RedisEventChannel(redis, wait=lambda _: None),
        inbox.stop,
        lambda: [StepStarted.model_validate_json(content).attempt for _, content in inbox.read()],
        redis.flushall,
    )


def started(attempt: int, step_key: str = STEP.step_key) -> StepStarted:
    """That an attempt is begun."""
    return StepStarted(step_key=step_key, attempt=attempt, worker="w")


def test_an_attempt_is_claimed_once(ends: Ends) -> None:
    """A claim succeeds not twice, not for an earlier attempt, but for a later one, and for each step separately."""
    attempts = [ends.line.claim(started(attempt)) for attempt in (2, 2, 1, 3, 3)]
    assert attempts == [True, False, False, True, False]
    assert ends.line.claim(started(1, "c" * 64))


def test_a_claim_posts_its_event(ends: Ends) -> None:
    """Both happen at once: a worker that is killed after its claim is known to have begun."""
    for attempt in (2, 2, 1, 3):
        ends.line.claim(started(attempt))
    assert ends.attempts() == [2, 3]


def test_a_claim_that_redis_lost_is_made_again(ends: Ends) -> None:
    """The claiming worker repeats it; a message sent again meanwhile is dropped. A later attempt's claim stays."""
    assert ends.line.claim(started(1))
    ends.lose()
    ends.line.hold(STEP)
    assert not ends.line.claim(started(1))
    assert ends.line.claim(started(2))
    ends.line.hold(STEP)
    assert not ends.line.claim(started(2))
    assert ends.attempts() == [2]


def test_a_stop_reaches_its_attempt_alone(ends: Ends) -> None:
    """The attempt that was told to stop stops; the next one does not."""
    assert not ends.line.is_stopped(STEP)
    ends.stop(STEP.step_key, STEP.attempt)
    assert ends.line.is_stopped(STEP)
    assert not ends.line.is_stopped(STEP.model_copy(update={"attempt": 2}))


def test_events_stay_until_they_are_deleted(redis: Redis) -> None:
    """A scheduler that dies before it has stored what it read reads it again."""
    line, inbox = RedisEventChannel(redis, wait=lambda _: None), RedisInbox(redis)
    for attempt in (1, 2):
        line.post(StepStarted(step_key=STEP.step_key, attempt=attempt, worker="w"))
    first = inbox.read()
    assert [StepStarted.model_validate_json(content).attempt for _, content in first] == [1, 2]
    assert inbox.read() == first
    inbox.delete([first[0][0]])
    assert inbox.read() == first[1:]


def test_an_empty_inbox_answers_soon(redis: Redis) -> None:
    """An empty inbox is not an error."""
    assert RedisInbox(redis).read() == []


class AwayTwice(Redis):
    """A Redis that can't be reached the first two times."""

    failures = 2

    def xadd(self, *arguments: Any, **options: Any) -> Any:
        """Fails twice, then does it."""
        if self.failures:
            self.failures -= 1
            raise RedisConnectionError("away")
        return super().xadd(*arguments, **options)


def test_a_result_waits_for_redis_to_come_back(redis: Redis, redis_url: str) -> None:
    """An event channel keeps the event while Redis is unavailable, and posts it once Redis answers."""
    pauses: list[float] = []
    line = RedisEventChannel(AwayTwice.from_url(redis_url), wait=pauses.append)
    line.post(StepStarted(step_key=STEP.step_key, attempt=1, worker="w"))
    assert len(pauses) == 2
    assert redis.xlen(EVENT_STREAM) == 1
