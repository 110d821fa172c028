"""The worker's event channel while Redis is unavailable."""

import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from edgepress_common.messages import StepReturned
from edgepress_worker.runtime.event_channel import RedisEventChannel

NO_SERVER = "redis://127.0.0.1:1/0"


class EnoughError(Exception):
    """The test has seen enough pauses."""


def test_an_event_waits_for_redis_with_growing_pauses_of_its_own() -> None:
    """Two workers that have lost Redis in the same instant do not try again in the same instants."""

    def pauses() -> list[float]:
        waited: list[float] = []

        def wait(seconds: float) -> None:
            waited.append(seconds)
            if len(waited) == 6:
                raise EnoughError

        channel = RedisEventChannel(Redis.from_url(NO_SERVER, retry=Retry(NoBackoff(), 0)), wait)
        with pytest.raises(EnoughError):
            channel.post(StepReturned(step_key="a" * 64, attempt=1, worker="w"))
        return waited

    one, other = pauses(), pauses()
    assert one[0] <= 1
    assert one[5] >= 7.5
    assert one != other
