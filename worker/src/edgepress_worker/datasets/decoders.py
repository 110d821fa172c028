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
from contextlib import ExitStack, contextmanager
from itertools import islice
from multiprocessing.connection import Connection, wait

from edgepress_common.errors import StepFailedError
from edgepress_worker.datasets.decoder_process import Batch, BatchDecoder, Failures, Setup, Task

_MAX_DECODERS = 32  # of 20 MB, and up to 64 MB for the image: 2.7 GB in all, and 0.7 GB more for one very large image
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
    if count < _FEW:
        yield from _decode_here(tasks, setup)
        return
    decoders = min(processors or available_processors(), _MAX_DECODERS, count // _MAX_BATCH)
    batch_size = max(1, min(_MAX_BATCH, count // (decoders * _BATCHES_EACH)))
    with _started(decoders, setup) as started:
        yield from _hand_out(_batches(tasks, batch_size), started)


def _decode_here(tasks: Iterable[Task], setup: Setup) -> Iterator[tuple[int, Failures]]:
    with BatchDecoder(setup) as decoder:
        for task in tasks:
            yield 1, decoder.run([task])


class _Decoder:
    """A process that decodes, and the line to it."""

    def __init__(self) -> None:
        here, there = socket.socketpair()
        with here, there:
            self._process = subprocess.Popen(  # noqa: S603 - this very Python, and a program of our own
                [sys.executable, "-P", "-c", _PROGRAM],
                stdin=there.fileno(),
                process_group=0,  # Ctrl-C is for the worker to hear, which then stops its decoders
            )
            self._connection = Connection(here.detach())

    def fileno(self) -> int:
        return self._connection.fileno()

    def send(self, message: Setup | Batch) -> None:
        try:
            self._connection.send(message)
        except ConnectionError:
            raise self._death() from None

    def receive(self) -> Failures:
        try:
            answer: Failures | OSError = self._connection.recv()
        except (EOFError, ConnectionError):
            raise self._death() from None
        if isinstance(answer, OSError):
            raise answer
        return answer

    def stop(self) -> None:
        self._connection.close()
        self._process.kill()
        self._process.wait()

    def _death(self) -> Exception:
        code = self._process.wait()
        if code == -signal.SIGKILL:
            return MemoryError("a decoder of images was killed, most likely because memory ran out")
        return StepFailedError(f"a decoder of images ended by itself, with exit code {code}")


def _hand_out(batches: Iterator[Batch], decoders: list[_Decoder]) -> Iterator[tuple[int, Failures]]:
    busy: dict[_Decoder, int] = {}

    def send_next(decoder: _Decoder) -> None:
        batch = next(batches, None)
        if batch is not None:
            decoder.send(batch)
            busy[decoder] = len(batch)

    for decoder in decoders:
        send_next(decoder)
    while busy:
        heard = wait([decoder.fileno() for decoder in busy], _PATIENCE_SECONDS)
        if not heard:
            yield 0, ()
        for decoder in [decoder for decoder in busy if decoder.fileno() in heard]:
            failures = decoder.receive()
            done = busy.pop(decoder)
            send_next(decoder)
            yield done, failures


def _batches(tasks: Iterable[Task], size: int) -> Iterator[Batch]:
    remaining = iter(tasks)
    while batch := list(islice(remaining, size)):
        yield batch


@contextmanager
def _started(count: int, setup: Setup) -> Iterator[list[_Decoder]]:
    with ExitStack() as stack:
        decoders: list[_Decoder] = []
        for _ in range(count):
            decoder = _Decoder()
            stack.callback(decoder.stop)
            decoders.append(decoder)
        for decoder in decoders:
            decoder.send(setup)
        yield decoders
