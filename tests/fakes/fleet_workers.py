"""Many workers in one process: each takes messages from its queues in Redis, and runs them by the worker's executor.

The claims, the heartbeats, the events and the store are the worker's own. Celery's processes are left out, and the
results are made up. Run by ``python fleet_workers.py CONFIGURATION``, see `WorkersConfiguration`.
"""

from __future__ import annotations

import itertools
import random
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kombu import Connection, Consumer, Queue
from kombu.exceptions import OperationalError
from pydantic import BaseModel
from redis import Redis
from redis.exceptions import RedisError

from edgepress_common.artifacts import FolderStore
from edgepress_common.messages import Outputs, RunStep, queue_name
from edgepress_common.messages import Queue as QueueName
from edgepress_common.pauses import growing_pauses
from edgepress_worker.runtime.acknowledging import use_reconnectable_qos
from edgepress_worker.runtime.event_channel import RedisEventChannel
from edgepress_worker.runtime.execution import Executor
from edgepress_worker.runtime.presence import Presence
from edgepress_worker.runtime.scratch import Scratch
from fakes.jobs import made_up

if TYPE_CHECKING:
    from edgepress_common.results import StepResult
    from edgepress_worker.context import StepContext

_QUEUES: tuple[QueueName, ...] = ("train", "convert")
_PRESENCE_SECONDS = 5.0  # as Celery's loop does
_LOOK_SECONDS = 1.0


class WorkersConfiguration(BaseModel):
    """Configuration of the workers.

    Attributes:
        redis_url: Address of Redis.
        names: Name of each worker, which is also that of its machine.
        artifacts: Folder of the artifact store.
        folder: For their scratch folders. While it has a file ``hold``, trainings do not end.
        step_seconds: Shortest and longest time that a step takes.
    """

    redis_url: str
    names: tuple[str, ...]
    artifacts: Path
    folder: Path
    step_seconds: tuple[float, float]


def _work(name: str, told: WorkersConfiguration) -> None:
    redis = Redis.from_url(told.redis_url, socket_timeout=30, socket_connect_timeout=10)
    store = FolderStore(told.artifacts)

    def run(step: RunStep, context: StepContext) -> tuple[Outputs, StepResult]:
        time.sleep(random.uniform(*told.step_seconds))
        while step.parameters.kind == "stage" and (told.folder / "hold").exists():
            context.raise_if_cancelled()
            time.sleep(0.05)
        outputs, result = made_up(step.parameters.kind)
        # Stored bytes: the models of two steps differ, the images of all packs do not.
        of_step = step.step_key if step.parameters.kind in {"stage", "export"} else ""
        return {name: store.put_bytes(f"{name} {of_step}".encode()) for name in outputs}, result

    executor = Executor(
        events=RedisEventChannel(redis, wait=time.sleep),
        store=store,
        scratch=Scratch(told.folder / name),
        worker=name,
        run=run,
        worker_is_stopping=lambda: False,
        machine_id=name,
    )
    queues = [queue_name(queue, place) for place in (None, name) for queue in _QUEUES]
    presence = Presence(redis, name, queues, is_stopping=lambda: False)
    for pause in itertools.chain.from_iterable(growing_pauses() for _ in itertools.count()):
        try:
            _take_steps(told.redis_url, queues, executor, presence)
        except (OperationalError, RedisError, OSError):
            time.sleep(pause)


def _take_steps(redis_url: str, queues: list[str], executor: Executor, presence: Presence) -> None:
    def on_message(body: Any, message: Any) -> None:
        (content,), *_ = body
        executor.execute(RunStep.model_validate(content))
        message.ack()

    with Connection(redis_url) as connection, connection.channel() as opened:
        channel: Any = opened
        channel.basic_qos(0, 1, False)
        Consumer(channel, [Queue(queue) for queue in queues], callbacks=[on_message], accept=["json"]).consume()
        beaten = 0.0
        while True:
            if time.monotonic() - beaten >= _PRESENCE_SECONDS:
                presence.beat()
                beaten = time.monotonic()
            try:
                connection.drain_events(timeout=_LOOK_SECONDS)
            except TimeoutError:
                continue


def main(configuration: Path) -> None:
    """Run all workers until the process is killed."""
    told = WorkersConfiguration.model_validate_json(configuration.read_bytes())
    use_reconnectable_qos()
    workers = [threading.Thread(target=_work, args=(name, told), name=name) for name in told.names]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
