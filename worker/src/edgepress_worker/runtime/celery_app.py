"""Celery, set so that it only carries messages: who may work on what is the database's business, by leases.

Acknowledged late with a prefetch of one, so that a busy worker holds no second step while another is idle. A message
is delivered again only after `_VISIBILITY_SECONDS`: longer than any step, and the claim drops the double.
"""

from collections.abc import Callable
from typing import Any

from billiard.exceptions import WorkerLostError
from celery import Celery
from celery.signals import setup_logging, task_failure, worker_process_init, worker_shutting_down

from edgepress_common.messages import RUN_STEP_TASK, RunStep
from edgepress_worker.runtime.acknowledging import forget_what_can_not_be_acknowledged
from edgepress_worker.settings import WorkerSettings

_VISIBILITY_SECONDS = 7 * 24 * 3600
# Celery's own 4 s are too few on a busy machine: it kills a child that has not spoken by then, and the next one, for
# ever; seen at a load of 18 on 2 cores.
_CHILD_STARTS_SECONDS = 120.0


def create_celery(
    settings: WorkerSettings,
    execute: Callable[[RunStep], None],
    *,
    begin: Callable[[], None],
    stop: Callable[[], None],
    lost: Callable[[RunStep, str], None],
) -> Celery:
    """The Celery application with its one task.

    Args:
        settings: Where Redis is, and how long a process lasts.
        execute: Does a step.
        begin: Called in each process that is to do steps; must return at once.
        stop: Called in the parent process once the worker is told to end.
        lost: Called in the parent process when the child that did a step has died, with how.
    """
    forget_what_can_not_be_acknowledged()
    app = Celery("edgepress", broker=settings.redis_url)
    transport_options = {
        "visibility_timeout": _VISIBILITY_SECONDS,
        "socket_timeout": 30,
        "socket_connect_timeout": 10,
        "health_check_interval": 10,
    }
    app.conf.update(
        accept_content=["json"],
        task_serializer="json",
        task_ignore_result=True,
        task_acks_late=True,
        # Of a child that was killed, `lost` tells: delivered again, its step would be dropped by the claim.
        task_reject_on_worker_lost=False,
        worker_prefetch_multiplier=1,
        worker_concurrency=1,
        worker_proc_alive_timeout=_CHILD_STARTS_SECONDS,
        worker_max_tasks_per_child=settings.steps_per_process,
        worker_send_task_events=False,
        worker_enable_remote_control=False,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_transport_options=transport_options,
        visibility_timeout=_VISIBILITY_SECONDS,
    )

    def run_step(message: dict[str, Any]) -> None:
        execute(RunStep.model_validate(message))

    def on_failure(exception: BaseException, args: list[dict[str, Any]], **_: object) -> None:
        if isinstance(exception, WorkerLostError):
            lost(RunStep.model_validate(args[0]), str(exception))

    app.task(name=RUN_STEP_TASK)(run_step)
    worker_process_init.connect(lambda **_: begin(), weak=False)
    task_failure.connect(on_failure, weak=False)
    worker_shutting_down.connect(lambda **_: stop(), weak=False)
    setup_logging.connect(lambda **_: None, weak=False)  # main has set up logging; Celery keeps its hands off
    return app
