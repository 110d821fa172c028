"""Configuration of Celery, which only transports messages: leases in the database decide which worker runs a step.

Messages are acknowledged late and the prefetch is one, so that a busy worker does not keep a second step from an idle
one. A message is delivered again only after `_VISIBILITY_SECONDS`, which is longer than any step, and the claim drops
the duplicate.
"""

from collections.abc import Callable
from typing import Any

from billiard.exceptions import WorkerLostError
from celery import Celery
from celery.signals import setup_logging, task_failure, worker_process_init, worker_shutting_down
from pydantic import ValidationError

from edgepress_common.messages import RUN_STEP_TASK, AttemptName, RunStep
from edgepress_worker.runtime.acknowledging import use_reconnectable_qos
from edgepress_worker.settings import WorkerSettings

_VISIBILITY_SECONDS = 7 * 24 * 3600
# Celery's default of 4 s is too short on a busy machine: it kills each child that has not reported by then, without
# end. Observed at a load of 18 on 2 cores.
_CHILD_STARTS_SECONDS = 120.0


def create_celery(
    settings: WorkerSettings,
    execute: Callable[[RunStep], None],
    *,
    refuse: Callable[[AttemptName, str], None],
    begin: Callable[[], None],
    stop: Callable[[], None],
    lost: Callable[[AttemptName, str], None],
) -> Celery:
    """Return the Celery application with its only task.

    Args:
        settings: Settings of the worker: the address of Redis and the number of steps per process.
        execute: Function that runs a step.
        refuse: Function that reports a step that this version does not understand, with the reason.
        begin: Function to call in each process that runs steps; must return at once.
        stop: Function to call in the parent process when the worker is told to stop.
        lost: Function to call in the parent process when the child that ran a step has died, with Celery's message.
    """
    use_reconnectable_qos()
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
        # `lost` reports a child that was killed. If its step were delivered again, the claim would drop it.
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
        try:
            step = RunStep.model_validate(message)
        except ValidationError as error:
            refuse(AttemptName.model_validate(message), str(error))
        else:
            execute(step)

    def on_failure(exception: BaseException, args: list[dict[str, Any]], **_: object) -> None:
        if isinstance(exception, WorkerLostError):
            lost(AttemptName.model_validate(args[0]), str(exception))

    app.task(name=RUN_STEP_TASK)(run_step)
    worker_process_init.connect(lambda **_: begin(), weak=False)
    task_failure.connect(on_failure, weak=False)
    worker_shutting_down.connect(lambda **_: stop(), weak=False)
    setup_logging.connect(lambda **_: None, weak=False)  # main has set up logging, so Celery must not
    return app
