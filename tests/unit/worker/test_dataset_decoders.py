"""Decoders: in this process or in others, they do the same, and they end when they should."""

import multiprocessing
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import psutil
import pytest

from edgepress_common.errors import StepFailedError
from edgepress_worker.datasets.decoder_process import Setup, Task
from edgepress_worker.datasets.decoders import decode_all
from edgepress_worker.datasets.decoding import FileImage, PlainImage
from edgepress_worker.datasets.row_file import RowFile
from fakes.image_folders import photograph

SIDE = 16
FEW, MANY = 40, 200  # on either side of what is worth starting processes for


def tasks_of(file: RowFile, count: int) -> Iterator[Task]:
    """Plain images, the first not square; every tenth is a file that isn't there."""
    for index in range(count):
        image = photograph(index, side=20).crop((0, 0, 20, 20 - (index == 0)))
        plain = PlainImage("RGB", image.size, image.tobytes())
        yield Task(index, FileImage("/nowhere") if index % 10 == 9 else plain, 0, file.offset(index))


def decoders() -> list[psutil.Process]:
    """This process's children that are decoders."""
    # What another test's process has left behind as a zombie has no command line.
    living = (child for child in psutil.Process().children() if child.status() != psutil.STATUS_ZOMBIE)
    return [child for child in living if "decoder_process" in " ".join(child.cmdline())]


@pytest.mark.parametrize("count", [FEW, MANY])
def test_every_image_is_written_where_its_task_says(tmp_path: Path, count: int) -> None:
    """Or is among the failures, with its reason; counts add up, and no process is left."""
    file = RowFile(tmp_path / "a.npy", count, SIDE)
    answers = list(decode_all(tasks_of(file, count), count, Setup(SIDE, (str(file.path),))))
    assert sum(done for done, _ in answers) == count
    failures = dict(failure for _, failed in answers for failure in failed)
    assert failures == dict.fromkeys(range(9, count, 10), "No such file or directory")
    rows = np.load(file.path)
    for index in set(range(count)) - set(failures):
        expected = photograph(index, side=20).crop((0, 0, 20, 20 - (index == 0))).resize((SIDE, SIDE), 2)
        assert np.array_equal(rows[index], np.asarray(expected)), index
    assert decoders() == []


@pytest.mark.parametrize("processors", [1, 2, 5])
def test_the_bytes_are_the_same_with_any_number_of_processors(tmp_path: Path, processors: int) -> None:
    """Who decodes what doesn't show."""
    few = RowFile(tmp_path / "few.npy", MANY, SIDE)
    for start in range(0, MANY, FEW):  # too few at a time for a process to be started
        part = [task for task in tasks_of(few, MANY) if start <= task.index < start + FEW]
        list(decode_all(part, len(part), Setup(SIDE, (str(few.path),))))
    many = RowFile(tmp_path / "many.npy", MANY, SIDE)
    list(decode_all(tasks_of(many, MANY), MANY, Setup(SIDE, (str(many.path),)), processors=processors))
    assert many.path.read_bytes() == few.path.read_bytes()


def test_each_image_goes_to_the_file_of_its_task(tmp_path: Path) -> None:
    """Training and validation are written at the same time."""
    files = [RowFile(tmp_path / f"{number}.npy", MANY // 2, SIDE) for number in (0, 1)]
    images = [PlainImage("L", (1, 1), bytes([index])) for index in range(MANY)]
    tasks = [Task(i, image, i % 2, files[i % 2].offset(i // 2)) for i, image in enumerate(images)]
    list(decode_all(tasks, MANY, Setup(SIDE, tuple(str(file.path) for file in files))))
    assert np.load(files[0].path)[:, 0, 0, 0].tolist() == list(range(0, MANY, 2))
    assert np.load(files[1].path)[:, 0, 0, 0].tolist() == list(range(1, MANY, 2))


def test_tasks_are_asked_for_as_the_work_goes_on(tmp_path: Path) -> None:
    """A set that is read from a stream is never held as a whole."""
    file = RowFile(tmp_path / "a.npy", 1000, SIDE)
    asked_for = 0

    def tasks() -> Iterator[Task]:
        nonlocal asked_for
        for task in tasks_of(file, 1000):
            asked_for += 1
            yield task

    with closing(decode_all(tasks(), 1000, Setup(SIDE, (str(file.path),)), processors=2)) as progress:
        done = sum(next(progress)[0] for _ in range(3))
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
        (signal.SIGTERM, StepFailedError, "ended by itself, with exit code -15"),
    ],
)
def test_a_decoder_that_dies_is_noticed(
    tmp_path: Path, number: signal.Signals, error: type[Exception], said: str
) -> None:
    """The step fails, and the others end with it."""
    file = RowFile(tmp_path / "a.npy", MANY, SIDE)

    def tasks() -> Iterator[Task]:
        for task in tasks_of(file, MANY):
            if task.index == MANY // 2:
                decoders()[0].send_signal(number)
            yield task

    with pytest.raises(error, match=said):
        list(decode_all(tasks(), MANY, Setup(SIDE, (str(file.path),)), processors=2))
    assert decoders() == []


@pytest.mark.parametrize("count", [FEW, MANY])
def test_a_file_that_cannot_be_written_is_an_error_of_the_step(tmp_path: Path, count: int) -> None:
    """Not one of the images: a full disk must not count as unreadable images."""
    tasks = [Task(index, PlainImage("L", (1, 1), b"x"), 0, 0) for index in range(count)]
    with pytest.raises(OSError, match="No space left on device"):
        list(decode_all(tasks, count, Setup(SIDE, ("/dev/full",))))


def test_a_daemon_can_have_decoders(tmp_path: Path) -> None:
    """Celery's processes are daemons, which may have no children by `multiprocessing`."""
    file = RowFile(tmp_path / "a.npy", MANY, SIDE)
    fork = multiprocessing.get_context("fork")
    done = fork.SimpleQueue()

    def work() -> None:
        done.put(sum(count for count, _ in decode_all(tasks_of(file, MANY), MANY, Setup(SIDE, (str(file.path),)))))

    process = fork.Process(target=work, daemon=True)
    process.start()
    process.join(timeout=60)
    assert process.exitcode == 0
    assert done.get() == MANY


def test_the_end_of_the_worker_is_the_end_of_its_decoders() -> None:
    """Even of a worker that was killed: a decoder whose line is closed ends by itself."""
    here, there = socket.socketpair()
    program = [sys.executable, "-c", "from edgepress_worker.datasets.decoder_process import main; main()"]
    with subprocess.Popen(program, stdin=there.fileno()) as decoder:
        there.close()
        here.close()
        assert decoder.wait(timeout=30) == 0
