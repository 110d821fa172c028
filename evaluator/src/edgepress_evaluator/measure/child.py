"""Runs a measurement in a separate process, to measure its memory separately or to isolate a crash."""

import subprocess
import tempfile
from collections.abc import Sequence

from edgepress_common.errors import ProcessCrashedError, StepCancelledError
from edgepress_evaluator.callbacks import ShouldStop

_POLL_SECONDS = 0.2  # maximum delay until a child process is stopped
_KEPT_LOG_BYTES = 2000


def run_module(python: Sequence[str], module: str, arguments: Sequence[str], should_stop: ShouldStop) -> bytes:
    """Run ``python -m module arguments`` until it ends.

    Args:
        python: Command that starts Python.
        module: Module to run.
        arguments: Arguments of the module.
        should_stop: Called several times a second; if it returns true, the process is killed.

    Returns:
        The standard output of the process.

    Raises:
        ProcessCrashedError: The process could not be started, or its exit code is not 0.
        StepCancelledError: The measurement was stopped; the process has ended.
    """
    command = [*python, "-m", module, *arguments]
    with tempfile.TemporaryFile() as log:
        try:
            process = subprocess.Popen(  # noqa: S603 - the command comes from the settings
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,  # Ctrl-C must reach only the evaluator, which then ends the child
            )
        except OSError as error:
            raise ProcessCrashedError(f"{command[0]} can't be started: {error}") from error
        with process:
            output = _wait(process, should_stop)
        if process.returncode != 0:
            log.seek(max(0, log.seek(0, 2) - _KEPT_LOG_BYTES))
            reason = log.read().decode(errors="replace").strip()
            raise ProcessCrashedError(f"{module} ended with exit code {process.returncode}: {reason}")
    return output


def _wait(process: subprocess.Popen[bytes], should_stop: ShouldStop) -> bytes:
    try:
        while True:
            if should_stop():
                raise StepCancelledError("the measurement was told to stop")
            try:
                output, _ = process.communicate(timeout=_POLL_SECONDS)
            except subprocess.TimeoutExpired:
                continue
            return output
    finally:
        process.kill()  # no effect on a process that has ended
