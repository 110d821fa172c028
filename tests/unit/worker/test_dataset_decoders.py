"""Decoders: processes of their own, confined, that do the same in any number and end when they should."""

import multiprocessing
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import cast

import numpy as np
import psutil
import pytest

from edgepress_common.errors import StepFailedError
from edgepress_worker.datasets.decoder_process import DecodingTask, Setup
from edgepress_worker.datasets.decoders import decode_all
from edgepress_worker.datasets.decoding import EncodedImage, FileImage, PlainImage
from edgepress_worker.datasets.row_file import RowFile
from fakes.image_folders import photograph

SIDE = 16
FEW, MANY = 40, 200  # for one decoder, and for several


def tasks_of(file: RowFile, count: int) -> Iterator[DecodingTask]:
    """Plain images, the first not square; every tenth is a file that isn't there."""
    for index in range(count):
        image = photograph(index, side=20).crop((0, 0, 20, 20 - (index == 0)))
        plain = PlainImage("RGB", image.size, image.tobytes())
        yield DecodingTask(index, FileImage("/nowhere") if index % 10 == 9 else plain, 0, file.offset(index))


def decoders() -> list[psutil.Process]:
    """This process's children that are decoders."""
    # What another test's process has left behind as a zombie has no command line.
    living = (child for child in psutil.Process().children() if child.status() != psutil.STATUS_ZOMBIE)
    return [child for child in living if "decoder_process" in " ".join(child.cmdline())]


@pytest.mark.parametrize("count", [FEW, MANY])
def test_every_image_is_written_where_its_task_says(tmp_path: Path, count: int) -> None:
    """Other images are failures with their reason; counts add up, and no process is left."""
    file = RowFile(tmp_path / "a.npy", count, SIDE)
    answers = list(decode_all(tasks_of(file, count), count, Setup(SIDE, (str(file.path),))))
    outcomes = [outcome for answer in answers for outcome in answer]
    assert sorted(outcome.image for outcome in outcomes) == list(range(count))
    failures = {outcome.image: outcome.reason for outcome in outcomes if outcome.reason is not None}
    assert failures == dict.fromkeys(range(9, count, 10), "No such file or directory")
    rows = np.load(file.path)
    for index in set(range(count)) - set(failures):
        expected = photograph(index, side=20).crop((0, 0, 20, 20 - (index == 0))).resize((SIDE, SIDE), 2)
        assert np.array_equal(rows[index], np.asarray(expected)), index
    assert decoders() == []


@pytest.mark.slow
@pytest.mark.parametrize("processors", [1, 2, 5])
def test_the_bytes_are_the_same_with_any_number_of_processors(tmp_path: Path, processors: int) -> None:
    """The distribution of files over processors has no effect."""
    few = RowFile(tmp_path / "few.npy", MANY, SIDE)
    for start in range(0, MANY, FEW):
        part = [task for task in tasks_of(few, MANY) if start <= task.index < start + FEW]
        list(decode_all(part, len(part), Setup(SIDE, (str(few.path),))))
    many = RowFile(tmp_path / "many.npy", MANY, SIDE)
    list(decode_all(tasks_of(many, MANY), MANY, Setup(SIDE, (str(many.path),)), processors=processors))
    assert many.path.read_bytes() == few.path.read_bytes()


def test_each_image_goes_to_the_file_of_its_task(tmp_path: Path) -> None:
    """Training and validation are written at the same time."""
    files = [RowFile(tmp_path / f"{number}.npy", MANY // 2, SIDE) for number in (0, 1)]
    images = [PlainImage("L", (1, 1), bytes([index])) for index in range(MANY)]
    tasks = [DecodingTask(i, image, i % 2, files[i % 2].offset(i // 2)) for i, image in enumerate(images)]
    list(decode_all(tasks, MANY, Setup(SIDE, tuple(str(file.path) for file in files))))
    assert np.load(files[0].path)[:, 0, 0, 0].tolist() == list(range(0, MANY, 2))
    assert np.load(files[1].path)[:, 0, 0, 0].tolist() == list(range(1, MANY, 2))


def test_tasks_are_asked_for_as_the_work_goes_on(tmp_path: Path) -> None:
    """A set that is read from a stream is never held as a whole."""
    file = RowFile(tmp_path / "a.npy", 1000, SIDE)
    asked_for = 0

    def tasks() -> Iterator[DecodingTask]:
        nonlocal asked_for
        for task in tasks_of(file, 1000):
            asked_for += 1
            yield task

    with closing(decode_all(tasks(), 1000, Setup(SIDE, (str(file.path),)), processors=2)) as progress:
        done = sum(len(next(progress)) for _ in range(3))
    assert asked_for <= done + 2 * 32


def test_who_stops_listening_stops_the_decoders(tmp_path: Path) -> None:
    """A step that is cancelled leaves no process behind."""
    file = RowFile(tmp_path / "a.npy", MANY, SIDE)
    with closing(decode_all(tasks_of(file, MANY), MANY, Setup(SIDE, (str(file.path),)))) as progress:
        next(progress)
        assert decoders() != []
    assert decoders() == []


@pytest.mark.parametrize(
    ("number", "error", "said"),
    [
        (signal.SIGKILL, MemoryError, "killed, most likely because memory ran out"),
        (signal.SIGTERM, StepFailedError, "ended unexpectedly, with exit code -15"),
    ],
)
def test_a_decoder_that_dies_is_noticed(
    tmp_path: Path, number: signal.Signals, error: type[Exception], said: str
) -> None:
    """The step fails, and the others end with it."""
    file = RowFile(tmp_path / "a.npy", MANY, SIDE)

    def tasks() -> Iterator[DecodingTask]:
        for task in tasks_of(file, MANY):
            if task.index == MANY // 2:
                decoders()[0].send_signal(number)
            yield task

    with pytest.raises(error, match=said):
        list(decode_all(tasks(), MANY, Setup(SIDE, (str(file.path),)), processors=2))
    assert decoders() == []


@pytest.mark.parametrize("count", [FEW, MANY])
def test_a_file_that_cannot_be_written_is_an_error_of_the_step(tmp_path: Path, count: int) -> None:
    """A full disk must not count as unreadable images."""
    tasks = [DecodingTask(index, PlainImage("L", (1, 1), b"x"), 0, 0) for index in range(count)]
    with pytest.raises(OSError, match="No space left on device"):
        list(decode_all(tasks, count, Setup(SIDE, ("/dev/full",))))


def test_a_daemon_can_have_decoders(tmp_path: Path) -> None:
    """Celery's processes are daemons, which may have no children by `multiprocessing`."""
    file = RowFile(tmp_path / "a.npy", MANY, SIDE)
    fork = multiprocessing.get_context("fork")
    done = fork.SimpleQueue()

    def work() -> None:
        answers = decode_all(tasks_of(file, MANY), MANY, Setup(SIDE, (str(file.path),)))
        done.put(sum(map(len, answers)))

    process = fork.Process(target=work, daemon=True)
    process.start()
    process.join(timeout=60)
    assert process.exitcode == 0
    assert done.get() == MANY


class HostileImage:
    """An image that makes its decoder do what a faulty library might: an expression is evaluated when it is opened."""

    def __init__(self, expression: str) -> None:
        self._expression = expression

    def __reduce__(self) -> tuple[object, tuple[str]]:
        # The decoder can't import this class: it is handed one that does the same.
        methods = f"{{'read': lambda self: b'', 'open': lambda self, content: {self._expression}}}"
        return eval, (f"type('Hostile', (), {methods})()",)


def reasons_with(folder: Path, expression: str, count: int = MANY) -> dict[int, str]:
    """Why images can't be read, if the middle one of so many is hostile."""
    file = RowFile(folder / "a.npy", count, SIDE)
    tasks = [DecodingTask(number, PlainImage("L", (1, 1), b"x"), 0, file.offset(number)) for number in range(count)]
    tasks[count // 2] = DecodingTask(
        count // 2, cast("EncodedImage", HostileImage(expression)), 0, file.offset(count // 2)
    )
    answers = decode_all(tasks, count, Setup(SIDE, (str(file.path),), image_seconds=1))
    outcomes = {outcome.image: outcome.reason for answer in answers for outcome in answer}
    assert sorted(outcomes) == list(range(count))
    return {number: reason for number, reason in outcomes.items() if reason is not None}


@pytest.mark.parametrize("count", [1, pytest.param(FEW, marks=pytest.mark.slow), MANY])
@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("__import__('os').kill(__import__('os').getpid(), 11)", "crashes the decoder"),
        ("__import__('os').abort()", "crashes the decoder"),
        ("[0 for _ in iter(int, 1)]", "takes too much processor time to decode"),
        ("bytearray(3 << 30)", "needs more memory to decode than the limit"),
    ],
)
def test_an_image_that_ends_its_decoder_is_unreadable_and_no_other_is(
    tmp_path: Path, count: int, expression: str, reason: str
) -> None:
    """Crashes, endless loops and memory without bound cost one image, not the step."""
    assert reasons_with(tmp_path, expression, count) == {count // 2: reason}
    assert decoders() == []


def raising(value: str) -> str:
    """An expression that makes a value the reason of its image."""
    return f"(_ for _ in ()).throw(ValueError({value}))"


def test_a_decoder_has_none_of_the_workers_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment may contain passwords of Redis and of the store."""
    monkeypatch.setenv("EDGEPRESS_REDIS_URL", "redis://:secret@host")
    (reason,) = reasons_with(tmp_path, raising("sorted(__import__('os').environ)")).values()
    assert reason in {"[]", "['LC_CTYPE']"}  # which Python itself sets where there is no locale


def test_a_decoder_has_no_network(tmp_path: Path) -> None:
    """Loopback is not reachable either, where the kernel lets a process leave its network."""
    leave = ["unshare", "-n", "true"] if os.geteuid() == 0 else ["unshare", "-rn", "true"]
    if subprocess.run(leave, check=False).returncode:
        pytest.skip("this machine lets no process leave its network")
    with socket.create_server(("127.0.0.1", 0)) as server:
        connect = f"__import__('socket').create_connection({server.getsockname()})"
        (reason,) = reasons_with(tmp_path, connect).values()
    assert reason == "Network is unreachable"


@pytest.mark.parametrize(
    "sent",
    ["__import__('pickle').dumps(print)", "b'{}'", "b'[[1, 2, 3, 4, 5, 6, 7]]'", "b'[[7]]'", "b'9' * (2 << 20)"],
)
def test_what_a_decoder_sends_that_was_taken_over_ends_the_step_and_nothing_else(tmp_path: Path, sent: str) -> None:
    """It is never unpickled, which would run what it holds."""
    send = f"__import__('multiprocessing.connection').connection.Connection(__import__('os').dup(0)).send_bytes({sent})"
    with pytest.raises((StepFailedError, OSError)):
        reasons_with(tmp_path, send)
    assert decoders() == []


def test_the_end_of_the_worker_is_the_end_of_its_decoders() -> None:
    """This includes a killed worker: a decoder ends by itself when its pipe is closed."""
    here, there = socket.socketpair()
    program = [sys.executable, "-c", "from edgepress_worker.datasets.decoder_process import main; main()"]
    with subprocess.Popen(program, stdin=there.fileno()) as decoder:
        there.close()
        here.close()
        assert decoder.wait(timeout=30) == 0
