"""Measurements in a separate process: memory, and the profile by operator."""

import time
from pathlib import Path

import numpy as np
import pytest

from edgepress_common.errors import StepCancelledError, StepFailedError
from edgepress_evaluator.measure.child import run_module
from edgepress_evaluator.measure.memory import peak_memory_bytes
from edgepress_evaluator.measure.profile import operator_times

MIB = 1 << 20
CHILDREN = Path("/proc/thread-self/children")
Python = tuple[str, ...]


def _never() -> bool:
    return False


def test_output_of_a_module_is_returned(python_command: Python) -> None:
    """The output is returned as bytes."""
    assert run_module(python_command, "calendar", ["2026", "1"], _never).startswith(b"    January 2026")


def test_module_that_fails_says_why(python_command: Python) -> None:
    """Exit code and the end of what it wrote to its error output."""
    with pytest.raises(StepFailedError, match=r"no_such_module ended with exit code 1: .*No module named"):
        run_module(python_command, "no_such_module", [], _never)


def test_command_that_is_not_there_is_named() -> None:
    """A wrong command is an error of its own, not a crash."""
    with pytest.raises(StepFailedError, match="/no/such/python can't be started"):
        run_module(["/no/such/python"], "calendar", [], _never)


def test_process_is_gone_when_told_to_stop(python_command: Python) -> None:
    """A process that would run forever is ended at once when the evaluation is stopped."""
    children_before = CHILDREN.read_text()
    answers = iter([False, False, True])
    asked_at = []

    def should_stop() -> bool:
        asked_at.append(time.monotonic())  # from the last time on: how long it took to start is another matter
        return next(answers)

    with pytest.raises(StepCancelledError):
        run_module(python_command, "http.server", ["0", "--bind", "127.0.0.1"], should_stop)

    assert time.monotonic() - asked_at[-1] < 5
    assert CHILDREN.read_text() == children_before


def test_memory_of_a_small_model_is_small_but_there(python_command: Python, models: Path) -> None:
    """It is the model's own memory; a child's ``ru_maxrss`` would include the memory of its parent."""
    held_by_the_parent = np.ones(256 * MIB, np.uint8)

    found = peak_memory_bytes(python_command, models / "tiny_float32.tflite", 1, _never)

    assert 0 < found < 64 * MIB
    assert held_by_the_parent[0] == 1


def test_memory_of_a_broken_model_fails(python_command: Python, tmp_path: Path) -> None:
    """The process's last words are passed on."""
    (tmp_path / "model.tflite").write_bytes(b"no model")

    with pytest.raises(StepFailedError, match="can't run"):
        peak_memory_bytes(python_command, tmp_path / "model.tflite", 1, _never)


def test_profile_names_the_runtimes_own_operators(python_command: Python, models: Path) -> None:
    """No delegate runs an int16 model: each operator of the file is listed with its count, the costliest first."""
    times = operator_times(python_command, models / "tiny_int16.tflite", 1, _never)

    assert times is not None
    assert {time.operator: time.calls for time in times} == {
        "MUL": 1, "ADD": 1, "CONV_2D": 2, "MEAN": 1, "FULLY_CONNECTED": 1, "SOFTMAX": 1,
    }  # fmt: skip
    assert times[0].operator == "CONV_2D"
    assert times[0].mean_ms > 0
    assert [time.mean_ms for time in times] == sorted((time.mean_ms for time in times), reverse=True)


def test_profile_looks_into_the_delegate(python_command: Python, models: Path) -> None:
    """An int8 model: the delegate's convolutions by the delegate's name, the softmax it left by the runtime's."""
    times = operator_times(python_command, models / "tiny_int8.tflite", 1, _never)

    assert times is not None
    calls = {time.operator: time.calls for time in times}
    assert calls["SOFTMAX"] == 1
    assert sum(count for operator, count in calls.items() if operator.startswith("Convolution (NHWC, QC8)")) == 2


def test_profile_that_fails_is_left_out(models: Path) -> None:
    """An evaluation goes on without."""
    assert operator_times(["false"], models / "tiny_int8.tflite", 1, _never) is None


def test_profile_stops_when_told(python_command: Python, models: Path) -> None:
    """A requested stop is not a failure of the profile."""
    with pytest.raises(StepCancelledError):
        operator_times(python_command, models / "tiny_int8.tflite", 1, lambda: True)
