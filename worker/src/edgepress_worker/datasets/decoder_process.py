"""A process that decodes batches of images and writes their pixels to the files of the pack.

The process (`main`) reads a `Setup` and then batches from the socket that is its standard input. It answers each batch
with one `Outcome` per image, and ends when the other side closes the socket. It keeps no state between batches, so it
may be killed at any time. It sends only plain numbers and text (JSON), never pickled objects: an image that compromises
a decoder must not compromise the worker.
"""

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any, NamedTuple, Self

from edgepress_worker.datasets.confinement import allow_seconds, confine
from edgepress_worker.datasets.decoding import (
    DeepGreyError,
    EncodedImage,
    LargeFileError,
    UndecodableError,
    decode_content,
)
from edgepress_worker.datasets.look import is_flat, is_grey, look_of


@dataclass(frozen=True, slots=True)
class Setup:
    """Settings that all batches share.

    Attributes:
        side: Height and width in pixels that images are resized to.
        paths: Files to write to.
        grey_bits: Number of significant bits in 16-bit grey images; None if not known yet.
        image_seconds: Maximum processor time per image. The largest accepted image takes about 4 s.
    """

    side: int
    paths: tuple[str, ...]
    grey_bits: int | None = None
    image_seconds: int = 60


@dataclass(frozen=True, slots=True)
class DecodingTask:
    """The request to decode one image.

    Attributes:
        index: Number of the image, used in outcomes.
        image: The image.
        file: Index into `Setup.paths` of the file to write the pixels to.
        offset: Offset in that file, in bytes.
    """

    index: int
    image: EncodedImage
    file: int
    offset: int


class Outcome(NamedTuple):
    """The result of decoding one image.

    Attributes:
        image: Number of the image, see `DecodingTask.index`.
        reason: Why it can't be decoded; None if its pixels are written or `deep_grey` is set.
        digest: SHA-256 of its encoded content, in hexadecimal; None if it could not be read.
        look: Its small grey copy, see `look.look_of`, in hexadecimal; None unless its pixels are written.
        is_flat: Whether it has nearly a single colour, see `look.is_flat`.
        deep_grey: Maximum pixel value of a 16-bit grey image whose pixels are not written, because the number of
            significant bits is not known yet.
        is_grey: Whether it has no colour, see `look.is_grey`.
        side: Shorter side of the original image, in pixels; 0 unless its pixels are written.
        has_more: Whether its file has further pages or frames, which are not used.
    """

    image: int
    reason: str | None = None
    digest: str | None = None
    look: str | None = None
    is_flat: bool = False
    deep_grey: int | None = None
    is_grey: bool = False
    side: int = 0
    has_more: bool = False


Batch = Sequence[DecodingTask]
Outcomes = tuple[Outcome, ...]


class BatchDecoder:
    """Decodes batches; a context manager that keeps the files open."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._descriptors: list[int] = []

    def __enter__(self) -> Self:
        """Open the files."""
        for path in self._setup.paths:
            self._descriptors.append(os.open(path, os.O_RDWR))
        return self

    def __exit__(
        self, type_: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close the files."""
        while self._descriptors:
            os.close(self._descriptors.pop())

    def run(self, batch: Batch) -> Outcomes:
        """Decode a batch and write the pixels.

        Raises:
            OSError: A file can't be written to.
        """
        return tuple(self._run_one(task) for task in batch)

    def _run_one(self, task: DecodingTask) -> Outcome:
        allow_seconds(self._setup.image_seconds)
        try:
            content = task.image.read()
        except OSError as error:
            return Outcome(task.index, reason=error.strerror or str(error))
        except LargeFileError as error:
            return Outcome(task.index, reason=str(error), digest=error.digest)
        digest = hashlib.sha256(content).hexdigest()
        try:
            decoded = decode_content(task.image, content, self._setup.side, self._alone(), bits=self._setup.grey_bits)
        except UndecodableError as error:
            return Outcome(task.index, reason=str(error), digest=digest)
        except DeepGreyError as error:
            return Outcome(task.index, digest=digest, deep_grey=error.largest)
        image, side, has_more = decoded
        self._write(task, image.tobytes())
        look = look_of(image)
        return Outcome(
            task.index,
            digest=digest,
            look=look.hex(),
            is_flat=is_flat(image, look),
            is_grey=is_grey(image),
            side=side,
            has_more=has_more,
        )

    def _write(self, task: DecodingTask, row: bytes) -> None:
        written = 0
        while written < len(row):  # when a disk becomes full, the first write is partial and the next one fails
            written += os.pwrite(self._descriptors[task.file], memoryview(row)[written:], task.offset + written)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        # Each process has opened the file itself, so the lock of the file excludes other processes.
        fcntl.flock(self._descriptors[0], fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(self._descriptors[0], fcntl.LOCK_UN)


def encode_answer(answer: Outcomes | OSError) -> bytes:
    """Return the message that a decoder sends for a batch: its outcomes, or the error that ends its work."""
    if isinstance(answer, OSError):
        return json.dumps({"errno": answer.errno, "strerror": answer.strerror, "filename": answer.filename}).encode()
    return json.dumps(answer).encode()


def decode_answer(content: bytes) -> Outcomes:
    """Return the outcomes in a message of a decoder.

    Raises:
        OSError: The decoder could not write to a file.
        ValueError: The message is not valid.
    """
    try:
        answer: Any = json.loads(content)
        if isinstance(answer, dict):
            error = OSError(answer["errno"], answer["strerror"], answer["filename"])
        else:
            return tuple(Outcome(*each) for each in answer)
    except (TypeError, KeyError) as unreadable:
        raise ValueError(str(unreadable)) from unreadable
    raise error


def main() -> None:
    """Decode the batches that arrive on standard input."""
    confine()
    connection = Connection(0)
    with suppress(EOFError, ConnectionError), BatchDecoder(connection.recv()) as decoder:
        while True:
            batch = connection.recv()
            try:
                connection.send_bytes(encode_answer(decoder.run(batch)))
            except OSError as error:
                connection.send_bytes(encode_answer(error))
                return
