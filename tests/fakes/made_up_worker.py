"""A real worker with made-up results; a training ends once there is no file ``hold`` in the working directory.

Celery, its child process and Redis are what they always are. Run by ``python made_up_worker.py``.
"""

import time
from pathlib import Path

from edgepress_common.messages import Outputs, RunStep
from edgepress_common.results import StepResult
from edgepress_worker.context import StepContext
from edgepress_worker.main import work
from edgepress_worker.settings import WorkerSettings
from fakes.jobs import made_up


def run(step: RunStep, context: StepContext) -> tuple[Outputs, StepResult]:
    """Return a made-up result of the step's kind."""
    while step.parameters.kind == "stage" and Path("hold").exists():
        context.raise_if_cancelled()
        time.sleep(0.02)
    return made_up(step.parameters.kind)


if __name__ == "__main__":
    work(WorkerSettings(), run)
