"""The worker's line and the scheduler's mailbox: one contract, for the list and for a real Redis."""

from collections.abc import Callable
from typing import Any

import pytest
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from edgepress_api.scheduler.broker import RedisMailbox
from edgepress_common.messages import EVENT_STREAM, RunStep, StepStarted
from edgepress_common.spec import BuiltinDataset
from edgepress_common.steps import PackStep
from edgepress_worker.runtime.line import Line, RedisLine
from fakes.line import ListLine

STEP = RunStep(
    step_key="b" * 64, attempt=1, parameters=PackStep(dataset=BuiltinDataset(image_size=32), fingerprint="digits")
)


@pytest.fixture
def redis(redis_url: str) -> Redis:
    """A real Redis, emptied."""
    client = Redis.from_url(redis_url)
    client.flushall()
    return client


@pytest.fixture(params=["list", "redis"])
def line_and_stop(request: pytest.FixtureRequest) -> tuple[Line, Callable[[str, int], None]]:
    """A line, and the scheduler's end of it that says stop."""
    if request.param == "list":
        line = ListLine()
        return line, line.stop
    redis = request.getfixturevalue("redis")
    return RedisLine(redis, wait=lambda _: None), RedisMailbox(redis).stop


def test_an_attempt_is_claimed_once(line_and_stop: tuple[Line, Callable[[str, int], None]]) -> None:
    """Not twice, not an earlier one, but a later one, and each step for itself."""
    line, _ = line_and_stop
    attempts = [line.claim(STEP.model_copy(update={"attempt": attempt})) for attempt in (2, 2, 1, 3, 3)]
    assert attempts == [True, False, False, True, False]
    assert line.claim(STEP.model_copy(update={"step_key": "c" * 64}))


def test_a_stop_reaches_its_attempt_alone(line_and_stop: tuple[Line, Callable[[str, int], None]]) -> None:
    """The attempt that was told to stop stops; the next one does not."""
    line, stop = line_and_stop
    assert not line.is_stopped(STEP)
    stop(STEP.step_key, STEP.attempt)
    assert line.is_stopped(STEP)
    assert not line.is_stopped(STEP.model_copy(update={"attempt": 2}))


def test_events_stay_until_they_are_deleted(redis: Redis) -> None:
    """A scheduler that dies before it has stored what it read reads it again."""
    line, mailbox = RedisLine(redis, wait=lambda _: None), RedisMailbox(redis)
    for attempt in (1, 2):
        line.post(StepStarted(step_key=STEP.step_key, attempt=attempt, worker="w"))
    first = mailbox.read()
    assert [StepStarted.model_validate_json(content).attempt for _, content in first] == [1, 2]
    assert mailbox.read() == first
    mailbox.delete([first[0][0]])
    assert mailbox.read() == first[1:]


def test_an_empty_mailbox_answers_soon(redis: Redis) -> None:
    """Nothing there is not an error."""
    assert RedisMailbox(redis).read() == []


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
    """A line to a Redis that is away holds on to the event, and leaves it once Redis answers."""
    pauses: list[float] = []
    line = RedisLine(AwayTwice.from_url(redis_url), wait=pauses.append)
    line.post(StepStarted(step_key=STEP.step_key, attempt=1, worker="w"))
    assert len(pauses) == 2
    assert redis.xlen(EVENT_STREAM) == 1
