"""One evaluator of a machine measures at a time."""

from __future__ import annotations

import os
import stat
import subprocess
import threading
from pathlib import Path
from typing import cast

import pytest

from edgepress_common.devices import EvaluationLease
from edgepress_common.errors import StepCancelledError
from edgepress_common.messages import Progress
from edgepress_common.results import EvaluationResult
from edgepress_evaluator.evaluate import Files
from edgepress_evaluator.machine_lock import OneAtATime

PATIENCE_SECONDS = 60
LEASE = cast(EvaluationLease, None)  # neither is looked at
FILES = cast(Files, None)


class Measurement:
    """A measurement that lasts until it is told to end, and counts how many run at once."""

    running = 0
    most = 0
    counting = threading.Lock()

    def __init__(self) -> None:
        self.began = threading.Event()
        self.end = threading.Event()

    def __call__(self, *_: object, **__: object) -> EvaluationResult:
        with self.counting:
            Measurement.running += 1
            Measurement.most = max(Measurement.most, Measurement.running)
        self.began.set()
        assert self.end.wait(PATIENCE_SECONDS)
        with self.counting:
            Measurement.running -= 1
        return cast(EvaluationResult, None)


def start(measurement: Measurement, folder: Path, said: list[Progress]) -> threading.Thread:
    evaluator = OneAtATime(measurement, folder)
    arguments = {"report": said.append, "should_stop": lambda: False}
    thread = threading.Thread(target=evaluator, args=(LEASE, FILES), kwargs=arguments)
    thread.start()
    return thread


def test_a_second_evaluator_waits_for_the_first(tmp_path: Path) -> None:
    """It says what it waits for, and begins when the first has ended; the folder may be read-only."""
    folder = tmp_path / "lock"
    first, second = Measurement(), Measurement()
    waits = threading.Event()
    said: list[Progress] = []

    class Told(list[Progress]):
        def append(self, progress: Progress) -> None:
            said.append(progress)
            waits.set()

    one = start(first, folder, [])
    assert first.began.wait(PATIENCE_SECONDS)
    folder.chmod(0o555)
    other = start(second, folder, Told())
    assert waits.wait(PATIENCE_SECONDS)
    assert not second.began.is_set()
    assert [progress.message for progress in said] == ["waits for another evaluation on this machine"]
    first.end.set()
    assert second.began.wait(PATIENCE_SECONDS)
    second.end.set()
    one.join()
    other.join()
    assert Measurement.most == 1


def test_an_evaluation_that_waits_can_be_stopped(tmp_path: Path) -> None:
    """It raises, and measures nothing."""
    first, second = Measurement(), Measurement()
    thread = start(first, tmp_path, [])
    assert first.began.wait(PATIENCE_SECONDS)
    evaluator = OneAtATime(second, tmp_path)
    with pytest.raises(StepCancelledError, match="while it waited"):
        evaluator(LEASE, FILES, report=lambda _: None, should_stop=lambda: True)
    first.end.set()
    thread.join()
    assert not second.began.is_set()


def test_a_machine_without_the_folder_measures_with_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A container that does not mount the folder works."""
    (tmp_path / "file").touch()
    measurement = Measurement()
    measurement.end.set()
    OneAtATime(measurement, tmp_path / "file")(LEASE, FILES, report=lambda _: None, should_stop=lambda: False)
    assert measurement.began.is_set()
    assert "other evaluators on this machine may measure at the same time" in caplog.text


def test_the_lock_of_a_killed_evaluator_is_released(tmp_path: Path, python_command: tuple[str, ...]) -> None:
    """The kernel releases it with the process."""
    killed = (
        "import fcntl, os, sys; fcntl.flock(os.open(sys.argv[1], os.O_RDONLY), fcntl.LOCK_EX); os.kill(os.getpid(), 9)"
    )
    assert subprocess.run([*python_command, "-c", killed, tmp_path], check=False).returncode == -9
    test_a_second_evaluator_waits_for_the_first(tmp_path)


def test_evaluators_of_other_users_can_lock_the_folder(tmp_path: Path) -> None:
    """The first one creates it, with any umask; the mode of an existing folder is not changed."""
    measurement = Measurement()
    measurement.end.set()
    umask = os.umask(0o077)
    try:
        start(measurement, tmp_path / "lock", []).join(PATIENCE_SECONDS)
        assert stat.S_IMODE((tmp_path / "lock").stat().st_mode) == 0o755
        (tmp_path / "lock").chmod(0o500)
        start(measurement, tmp_path / "lock", []).join(PATIENCE_SECONDS)
        assert stat.S_IMODE((tmp_path / "lock").stat().st_mode) == 0o500
    finally:
        os.umask(umask)
