"""A pool of decoder processes, one per processor.

The decoders are started as programs, for three reasons. Threads would block each other, because Pillow parses files in
Python (nearly half the time for a TIFF tile). `multiprocessing` can't start processes in a Celery worker, whose
processes are daemons. A fork would copy the threads and locks of TensorFlow.

No image is decoded in this process. A decoder is confined (`confinement`) and has an empty environment, so it has no
access to the worker's secrets.

Each decoder has one batch at a time, so that no decoder blocks while sending and a slow image delays no other decoder.
If a decoder crashes or exceeds its time limit, the images of its batch are retried one by one to find the image that
causes it; that image counts as unreadable.
"""

import os
import signal
import socket
import subprocess
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from itertools import islice
from multiprocessing.connection import Connection, wait

from edgepress_common.errors import ProcessCrashedError
from edgepress_worker.datasets import decoder_process
from edgepress_worker.datasets.decoder_process import Batch, DecodingTask, Outcome, Outcomes, Setup, decode_answer
from edgepress_worker.isolated_python import isolated_python

_MAX_DECODERS = 32  # 20 MB each, and up to 64 MB for the image: 2.7 GB in total, plus 1.1 GB for one very large image
_MAX_BATCH = 32  # 10 ms of work or more: a hundred times the cost of passing a batch on
_BATCHES_EACH = 8  # so that all decoders end at about the same time
_MAX_ANSWER_BYTES = 1 << 20  # about 500 bytes per image of a batch
_PATIENCE_SECONDS = 0.25  # maximum time without outcomes, after which the caller can check for cancellation
# Signals that an image can cause in a library. Other signals come from other processes.
_CRASHES = {
    signal.SIGSEGV: "crashes the decoder",
    signal.SIGBUS: "crashes the decoder",
    signal.SIGABRT: "crashes the decoder",
    signal.SIGFPE: "crashes the decoder",
    signal.SIGILL: "crashes the decoder",
    signal.SIGXCPU: "takes too much processor time to decode",
}


class _CrashError(Exception):
    """A decoder ended in a way that an image can cause; the message is the reason for the image."""


def available_processors() -> int:
    """Return the number of processors that this process may use."""
    return len(os.sched_getaffinity(0))


def decode_all(
    tasks: Iterable[DecodingTask], count: int, setup: Setup, *, processors: int | None = None
) -> Generator[Outcomes]:
    """Decode images and write their pixels to the places in their tasks.

    Closing the iterator stops the decoders at once.

    Args:
        tasks: Tasks, consumed as the work progresses.
        count: Number of tasks.
        setup: Settings that the tasks share.
        processors: Maximum number of decoders; None for the number of this machine's processors.

    Yields:
        Outcomes of images that are done, at least four times a second; empty if there is nothing new.

    Raises:
        ProcessCrashedError: A decoder ended unexpectedly.
        MemoryError: A decoder was killed, as the kernel does when memory runs out.
        OSError: A file can't be written to.
    """
    decoders = max(1, min(processors or available_processors(), _MAX_DECODERS, count // _MAX_BATCH))
    batch_size = max(1, min(_MAX_BATCH, count // (decoders * _BATCHES_EACH)))
    with _started(decoders, setup) as (started, start):
        yield from _hand_out(_batches(tasks, batch_size), started, start)


class _Decoder:
    """A decoder process and the connection to it."""

    def __init__(self) -> None:
        here, there = socket.socketpair()
        with here, there:
            self._process = subprocess.Popen(  # noqa: S603 - runs this Python with a constant program
                isolated_python(decoder_process.__name__),
                stdin=there.fileno(),
                env={},
                process_group=0,  # Ctrl-C must reach only the worker, which then stops its decoders
            )
            self._connection = Connection(here.detach())

    def fileno(self) -> int:
        return self._connection.fileno()

    def send(self, message: Setup | Batch) -> None:
        with suppress(ConnectionError):  # the decoder has ended; `receive` reports it
            self._connection.send(message)

    def receive(self) -> Outcomes:
        try:
            return decode_answer(self._connection.recv_bytes(_MAX_ANSWER_BYTES))
        except (EOFError, ConnectionError):
            raise self._death() from None
        except ValueError:  # never sent by a correct decoder
            raise ProcessCrashedError("an image decoder sent an invalid answer") from None

    def stop(self) -> None:
        self._connection.close()
        self._process.kill()
        self._process.wait()

    def _death(self) -> Exception:
        code = self._process.wait()
        if -code in _CRASHES:
            return _CrashError(_CRASHES[signal.Signals(-code)])
        if code == -signal.SIGKILL:
            return MemoryError("an image decoder was killed, most likely because memory ran out")
        return ProcessCrashedError(f"an image decoder ended unexpectedly, with exit code {code}")


def _hand_out(batches: Iterator[Batch], decoders: list[_Decoder], start: Callable[[], _Decoder]) -> Iterator[Outcomes]:
    busy: dict[_Decoder, Batch] = {}
    singles: deque[Batch] = deque()  # images of batches whose decoder crashed

    def send_next(decoder: _Decoder) -> None:
        batch = singles.popleft() if singles else next(batches, None)
        if batch is not None:
            busy[decoder] = batch
            decoder.send(batch)

    for decoder in decoders:
        send_next(decoder)
    while busy:
        heard = wait([decoder.fileno() for decoder in busy], _PATIENCE_SECONDS)
        if not heard:
            yield ()
        for decoder in [decoder for decoder in busy if decoder.fileno() in heard]:
            batch = busy.pop(decoder)
            try:
                outcomes = decoder.receive()
            except _CrashError as crash:
                outcomes = _blamed(batch, str(crash), singles)
                decoder.stop()
                send_next(start())
            else:
                if [outcome.image for outcome in outcomes] != [task.index for task in batch]:
                    raise ProcessCrashedError("an image decoder sent outcomes of images that it was not given")
                send_next(decoder)
            yield outcomes


def _blamed(batch: Batch, reason: str, singles: deque[Batch]) -> Outcomes:
    """Return the outcome of an image that crashed its decoder; for a larger batch, queue its images to retry singly."""
    if len(batch) == 1:
        return (Outcome(batch[0].index, reason=reason),)
    singles.extend([task] for task in batch)
    return ()


def _batches(tasks: Iterable[DecodingTask], size: int) -> Iterator[Batch]:
    remaining = iter(tasks)
    while batch := list(islice(remaining, size)):
        yield batch


@contextmanager
def _started(count: int, setup: Setup) -> Iterator[tuple[list[_Decoder], Callable[[], _Decoder]]]:
    """Start decoders; yield them and a function that starts one more. Stop all of them at the end."""
    with ExitStack() as stack:

        def start() -> _Decoder:
            decoder = _Decoder()
            stack.callback(decoder.stop)
            return decoder

        def start_ready() -> _Decoder:
            decoder = start()
            decoder.send(setup)
            return decoder

        decoders = [start() for _ in range(count)]
        for decoder in decoders:
            decoder.send(setup)
        yield decoders, start_ready
