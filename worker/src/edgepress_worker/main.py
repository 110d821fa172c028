"""Starts a worker."""

import functools
import logging
import multiprocessing
import os
import sys
from collections.abc import Callable
from contextlib import ExitStack

from redis import Redis

from edgepress_common.alive import SignOfLife
from edgepress_common.artifacts_address import open_store
from edgepress_common.errors import UnavailableError
from edgepress_worker.run import Environment, load_ahead, run_step
from edgepress_worker.runtime.accelerators import find_gpus, settle
from edgepress_worker.runtime.celery_app import create_celery
from edgepress_worker.runtime.execution import Executor, Work
from edgepress_worker.runtime.line import RedisLine
from edgepress_worker.runtime.scratch import Scratch
from edgepress_worker.runtime.sign_of_life import alive_step
from edgepress_worker.runtime.standby import Standby, standby_step
from edgepress_worker.settings import WorkerSettings


def main() -> None:
    """Takes steps from the queues until SIGTERM or SIGINT, then gives back the one under way."""
    settings = WorkerSettings()
    logging.basicConfig(level=settings.log_level, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    for chatty in ("absl", "celery.app.trace", "celery.worker.strategy"):  # the executor says what is begun and ended
        logging.getLogger(chatty).setLevel(logging.WARNING)
    with ExitStack() as held:
        try:
            os.environ.update(settle(os.environ, settings.scratch, held, find_gpus()))
        except UnavailableError as error:
            sys.exit(str(error))
        environment = Environment(dataset_roots=settings.dataset_roots, downloads=settings.downloads)
        work(settings, functools.partial(run_step, environment=environment), begin=load_ahead)


def work(settings: WorkerSettings, run: Work, *, begin: Callable[[], None] = lambda: None) -> None:
    """Takes steps from the queues and does them in a child process.

    Args:
        settings: Where the queues are, and the store.
        run: Does the work of a step; see `run_step`.
        begin: See `create_celery`.
    """
    # Shared with the child process that Celery forks to do the work.
    stopping = multiprocessing.get_context("fork").Event()
    redis = Redis.from_url(settings.redis_url, socket_timeout=30, socket_connect_timeout=10)
    line, standby = RedisLine(redis, wait=stopping.wait), Standby()
    executor = Executor(
        line=line,
        store=open_store(
            settings.artifacts, copies=settings.artifact_copies, copies_bytes=settings.artifact_copies_bytes
        ),
        scratch=Scratch(settings.scratch),
        worker=settings.worker_name,
        run=run,
        worker_is_stopping=stopping.is_set,
        working_on=standby.working_on,
    )
    app = create_celery(settings, executor.execute, begin=begin, stop=stopping.set, lost=executor.child_was_lost)
    app.steps["worker"].add(alive_step(SignOfLife(settings.alive_file)))
    app.steps["worker"].add(standby_step(standby, line, settings.worker_name))
    app.worker_main(
        ["--quiet", "worker", "--queues", ",".join(settings.worker_queues), "--without-gossip", "--without-mingle"]
    )
