"""A real worker whose steps fail as steps do: named by the data set's fingerprint. Run by ``python failing_worker.py``.

Celery, its child process, Redis and the store are what they always are; only the work is this module's.
"""

import ctypes
import os
import resource
import signal
import subprocess
import sys
import time

from edgepress_common.messages import Outputs, RunStep
from edgepress_common.results import StepResult
from edgepress_common.steps import PackStep
from edgepress_worker.context import StepContext
from edgepress_worker.main import work
from edgepress_worker.settings import WorkerSettings
from fakes.jobs import made_up

_MORE_THAN_IT_MAY_HAVE = 1 << 40


def run(step: RunStep, context: StepContext) -> tuple[Outputs, StepResult]:
    """Does what the fingerprint says."""
    assert isinstance(step.parameters, PackStep)
    match step.parameters.fingerprint:
        case "needs much memory":
            resource.setrlimit(resource.RLIMIT_AS, (_MORE_THAN_IT_MAY_HAVE // 2, resource.RLIM_INFINITY))
            bytearray(_MORE_THAN_IT_MAY_HAVE)
        case "is killed":
            os.kill(os.getpid(), signal.SIGKILL)
        case "holds Python's lock":
            ctypes.PyDLL(None).sleep(5)  # as TensorFlow's converter does: unlike CDLL, PyDLL does not let go of it
        case "waits to be stopped":
            while True:
                context.raise_if_cancelled()
                time.sleep(0.01)
        case "is stopped by SIGSTOP":
            os.kill(os.getpid(), signal.SIGSTOP)
        case "never returns from a library":
            ctypes.PyDLL(None).sleep(3600)
        case "waits for a decoder that never returns":
            subprocess.run([sys.executable, "-c", "while True: pass"], process_group=0, check=True)
    return made_up("pack")


if __name__ == "__main__":
    work(WorkerSettings(), run)
