"""As many decoders as there are processors, and batches handed out among them.

The decoders are processes, started as programs: threads would wait for each other, because Pillow reads a file's
structure in Python (nearly half the time of a TIFF tile); `multiprocessing` refuses to start any from a Celery worker,
whose processes are daemons; and a fork would copy whatever threads and locks TensorFlow has in this one.

Each has one batch at a time, so nobody waits to send, and an image that takes long holds up no other decoder. A few
images are decoded by this very process: sooner done than others are started.
"""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from multiprocessing.connection import Connection, wait

from edgepress_common.errors import StepFailedError
from edgepress_worker.datasets.decoder_process import Batch, BatchDecoder, Failures, Setup, Task

_MAX_DECODERS = 32  # each takes 40 MB, up to 100 MB with a large image: 3.2 GB in all
_MAX_BATCH = 32  # 10 ms and more of work: a hundred times what handing over costs
_BATCHES_EACH = 8  # so that the last ones end at about the same time
_FEW = 2 * _MAX_BATCH
_PATIENCE_SECONDS = 0.25  # how long nothing may be heard before the caller gets to look whether to go on
_PROGRAM = "from edgepress_worker.datasets.decoder_process import main; main()"


def available_processors() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0))


def decode_all(
    tasks: Iterable[Task], count: int, setup: Setup, *, processors: int | None = None
) -> Generator[tuple[int, Failures]]:
    """Decodes images and writes their pixels, each where its task says.

    Closing the iterator stops the decoders at once.

    Args:
        tasks: What to do; asked for as the work goes on.
        count: How many there are.
        setup: What they share.
        processors: How many decoders to start at most; those of this machine if None.

    Yields:
        How many images more are done, and the failures among them; at least four times a second when images decode
        faster than that, with zero images where there is nothing new.

    Raises:
        StepFailedError: A decoder ended by itself.
        MemoryError: A decoder was killed, as the kernel does when memory runs out.
        OSError: A file can't be written to.
    """
    decoders = min(processors or available_processors(), _MAX_DECODERS, count // _MAX_BATCH)
    if count < _FEW:
        yield from _decode_here(tasks, setup)
        return
    batch_size = max(1, min(_MAX_BATCH, count // (decoders * _BATCHES_EACH)))
    batches = _batches(tasks, batch_size)
    with _started(decoders, setup) as processes:
        yield from _hand_out(batches, processes)


def _decode_here(tasks: Iterable[Task], setup: Setup) -> Iterator[tuple[int, Failures]]:
    with BatchDecoder(setup) as decoder:
        for task in tasks:
            yield 1, decoder.run([task])


def _hand_out(
    batches: Iterator[Batch], processes: dict[Connection, subprocess.Popen[bytes]]
) -> Generator[tuple[int, Failures]]:
    busy: dict[Connection, int] = {}

    def send_next(connection: Connection) -> None:
        batch = next(batches, None)
        if batch is not None:
            connection.send(batch)
            busy[connection] = len(batch)

    for connection in processes:
        send_next(connection)
    while busy:
        heard = wait(list(busy), _PATIENCE_SECONDS)
        if not heard:
            yield 0, ()
        for connection in [connection for connection in busy if connection in heard]:
            failures = _received(connection, processes[connection])
            done = busy.pop(connection)
            send_next(connection)
            yield done, failures


def _received(connection: Connection, process: subprocess.Popen[bytes]) -> Failures:
    try:
        answer: Failures | OSError = connection.recv()
    except (EOFError, ConnectionError):
        code = process.wait()
        if code == -signal.SIGKILL:
            raise MemoryError("a decoder of images was killed, most likely because memory ran out") from None
        raise StepFailedError(f"a decoder of images ended by itself, with exit code {code}") from None
    if isinstance(answer, OSError):
        raise answer
    return answer


def _batches(tasks: Iterable[Task], size: int) -> Iterator[Batch]:
    remaining = iter(tasks)
    while batch := list(islice(remaining, size)):
        yield batch


@contextmanager
def _started(decoders: int, setup: Setup) -> Iterator[dict[Connection, subprocess.Popen[bytes]]]:
    processes: dict[Connection, subprocess.Popen[bytes]] = {}
    try:
        for _ in range(decoders):
            connection, process = _start()
            processes[connection] = process
            connection.send(setup)
        yield processes
    finally:
        for connection, process in processes.items():
            connection.close()
            process.kill()
            process.wait()


def _start() -> tuple[Connection, subprocess.Popen[bytes]]:
    here, there = socket.socketpair()
    with here, there:
        process = subprocess.Popen(  # noqa: S603 - this very Python, and a program of our own
            [sys.executable, "-P", "-c", _PROGRAM],
            stdin=there.fileno(),
            process_group=0,  # Ctrl-C is for the worker to hear, which then stops its decoders
        )
        return Connection(here.detach()), process
