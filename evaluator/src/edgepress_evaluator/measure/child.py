"""Runs a part of the measurement in a process of its own: for its memory to be told apart, or a crash kept apart."""

import subprocess
import tempfile
from collections.abc import Sequence

from edgepress_common.errors import StepCancelledError, StepFailedError
from edgepress_evaluator.callbacks import ShouldStop

_POLL_SECONDS = 0.2  # how soon a child is stopped when it should be
_KEPT_LOG_BYTES = 2000


def run_module(python: Sequence[str], module: str, arguments: Sequence[str], should_stop: ShouldStop) -> bytes:
    """Runs ``python -m module arguments`` to its end.

    Args:
        python: Command that starts Python.
        module: What to run.
        arguments: What to pass on.
        should_stop: Is asked several times a second.

    Returns:
        What it wrote to its standard output.

    Raises:
        StepFailedError: It couldn't be started, or ended with another exit code than 0.
        StepCancelledError: It was told to stop; the process is gone.
    """
    command = [*python, "-m", module, *arguments]
    with tempfile.TemporaryFile() as log:
        try:
            process = subprocess.Popen(  # noqa: S603 - the command is ours
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,  # a Ctrl-C in the terminal is for the evaluator, which then ends the child
            )
        except OSError as error:
            raise StepFailedError(f"{command[0]} can't be started: {error}") from error
        with process:
            output = _wait(process, should_stop)
        if process.returncode != 0:
            log.seek(max(0, log.seek(0, 2) - _KEPT_LOG_BYTES))
            reason = log.read().decode(errors="replace").strip()
            raise StepFailedError(f"{module} ended with exit code {process.returncode}: {reason}")
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
        process.kill()  # nothing to a process that has ended
