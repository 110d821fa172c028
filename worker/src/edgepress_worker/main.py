"""Starts a worker."""

import functools
import logging
import multiprocessing
import os
import time
from collections.abc import Callable
from contextlib import ExitStack
from multiprocessing.synchronize import Event

from redis import Redis

from edgepress_common.artifacts.opening import check_store_or_exit, open_store
from edgepress_common.heartbeat import Heartbeat
from edgepress_common.messages import queue_name
from edgepress_worker.environment import Environment
from edgepress_worker.run import load_ahead, run_step
from edgepress_worker.runtime.accelerators import settle
from edgepress_worker.runtime.celery_app import create_celery
from edgepress_worker.runtime.ending import ChildEnder
from edgepress_worker.runtime.event_channel import RedisEventChannel
from edgepress_worker.runtime.execution import Executor, Work
from edgepress_worker.runtime.heartbeat import heartbeat_step
from edgepress_worker.runtime.presence import Presence
from edgepress_worker.runtime.scratch import Scratch
from edgepress_worker.runtime.standby import Standby, standby_step
from edgepress_worker.settings import WorkerSettings
from edgepress_worker.threads import thread_setting


def main() -> None:
    """Run steps from the queues until SIGTERM or SIGINT, then return the running step to the queue."""
    settings = WorkerSettings.read_or_exit()
    logging.basicConfig(level=settings.log_level, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    for chatty in ("absl", "celery.app.trace", "celery.worker.strategy"):  # the executor logs starts and ends of steps
        logging.getLogger(chatty).setLevel(logging.WARNING)
    check_store_or_exit(settings.artifacts)
    heartbeat = Heartbeat(settings.heartbeat_file)

    def wait(seconds: float) -> None:
        heartbeat.beat()  # a worker that waits for a GPU is not a broken one
        time.sleep(seconds)

    with ExitStack() as held:
        os.environ.update(settle(os.environ, settings.scratch, held, pause=wait))
        os.environ.update(thread_setting(settings.threads))
        environment = Environment(dataset_roots=settings.dataset_roots, downloads=settings.downloads)
        work(settings, functools.partial(run_step, environment=environment), begin=load_ahead)


def work(settings: WorkerSettings, run: Work, *, begin: Callable[[], None] = lambda: None) -> None:
    """Run steps from the queues in a child process.

    Args:
        settings: Settings with the queues and the store.
        run: Function that does the work of a step; see `run_step`.
        begin: See `create_celery`.
    """
    # Shared with the child process that Celery forks for the work.
    stopping = multiprocessing.get_context("fork").Event()
    redis = Redis.from_url(settings.redis_url, socket_timeout=30, socket_connect_timeout=10)
    events, standby = RedisEventChannel(redis, wait=time.sleep), Standby()
    scratch = Scratch(settings.scratch)
    ender = ChildEnder(standby, events, scratch.returned, settings.worker_name)
    executor = Executor(
        events=events,
        store=open_store(
            settings.artifacts, copies=settings.artifact_copies, copies_bytes=settings.artifact_copies_bytes
        ),
        scratch=scratch,
        worker=settings.worker_name,
        run=run,
        worker_is_stopping=stopping.is_set,
        working_on=standby.working_on,
        machine_id=settings.machine_id,
    )
    app = create_celery(
        settings,
        executor.execute,
        refuse=executor.refuse,
        begin=begin,
        stop=lambda: _stop(stopping, ender),
        lost=executor.child_was_lost,
    )
    places = [None] if settings.machine_id is None else [None, settings.machine_id]
    queues = [queue_name(queue, place) for place in places for queue in settings.worker_queues]
    presence = Presence(redis, settings.machine_id, queues, is_stopping=stopping.is_set)
    app.steps["worker"].add(heartbeat_step(Heartbeat(settings.heartbeat_file).beat, presence.beat))
    say = functools.partial(standby.say, events, settings.worker_name)
    app.steps["worker"].add(standby_step(say, ender.look))
    scratch.returned.send(events)
    presence.beat()
    # Celery's heartbeats are for its monitors; ours are above.
    silent = ("--without-gossip", "--without-mingle", "--without-heartbeat")
    try:
        app.worker_main(["--quiet", "worker", "--queues", ",".join(queues), *silent])
    finally:
        presence.end()


def _stop(stopping: Event, ender: ChildEnder) -> None:
    """Return the running step to its queue. Called in the parent process, for each stop signal."""
    if not stopping.is_set():
        ender.note()
        stopping.set()
        ender.stop()
