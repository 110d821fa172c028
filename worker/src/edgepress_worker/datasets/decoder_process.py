"""Decodes batches of images and writes the pixels where they belong: in this process, or as one of its own.

As a process of its own (`main`) it takes a `Setup` and then one batch after the other from the socket that is its
standard input, answers each with the batch's failures, and ends when the other side closes. No state outlives a batch,
so it may be killed at any time.
"""

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Self

from edgepress_worker.datasets.decoding import EncodedImage, UndecodableError, decode


@dataclass(frozen=True, slots=True)
class Setup:
    """What all batches share.

    Attributes:
        side: Width and height in pixels that images are resized to.
        paths: The files that are written to.
    """

    side: int
    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Task:
    """One image.

    Attributes:
        index: Its number, as failures name it.
        image: The image.
        file: Which of `Setup.paths` its pixels go to.
        offset: Where in that file, in bytes.
    """

    index: int
    image: EncodedImage
    file: int
    offset: int


Batch = Sequence[Task]
Failures = tuple[tuple[int, str], ...]
"""Index and reason of each image of a batch that can't be decoded."""


class BatchDecoder:
    """Does batches; a context manager that keeps the files open meanwhile."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._descriptors: list[int] = []

    def __enter__(self) -> Self:
        """Opens the files."""
        for path in self._setup.paths:
            self._descriptors.append(os.open(path, os.O_RDWR))
        return self

    def __exit__(
        self, type_: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Closes the files."""
        while self._descriptors:
            os.close(self._descriptors.pop())

    def run(self, batch: Batch) -> Failures:
        """Decodes and writes a batch.

        Raises:
            OSError: A file can't be written to.
        """
        return tuple(failure for task in batch for failure in self._run_one(task))

    def _run_one(self, task: Task) -> Iterator[tuple[int, str]]:
        try:
            row = decode(task.image, self._setup.side, self._alone())
        except UndecodableError as error:
            yield task.index, str(error)
        else:
            self._write(task, row)

    def _write(self, task: Task, row: bytes) -> None:
        written = 0
        while written < len(row):  # a disk that is nearly full takes a part, then none with an error
            written += os.pwrite(self._descriptors[task.file], memoryview(row)[written:], task.offset + written)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        # Each process has opened the file for itself, so the file's lock is one between all of them.
        fcntl.flock(self._descriptors[0], fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(self._descriptors[0], fcntl.LOCK_UN)


def main() -> None:
    """Serves whoever holds the other end of standard input."""
    connection = Connection(0)
    with suppress(EOFError, ConnectionError), BatchDecoder(connection.recv()) as decoder:
        while True:
            batch = connection.recv()
            try:
                connection.send(decoder.run(batch))
            except OSError as error:
                connection.send(error)
                return
