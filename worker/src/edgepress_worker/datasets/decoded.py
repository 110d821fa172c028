"""Decodes all images of a data set, and collects the outcomes."""

import dataclasses
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from edgepress_common.layout import UNREADABLE
from edgepress_worker.datasets.decoder_process import DecodingTask, Outcome, Setup
from edgepress_worker.datasets.decoders import decode_all
from edgepress_worker.datasets.decoding import grey_bits
from edgepress_worker.datasets.look import LOOK_BYTES
from edgepress_worker.datasets.meter import Meter
from edgepress_worker.datasets.row_file import RowFile
from edgepress_worker.datasets.source import LabelledSet


@dataclass(frozen=True)
class SplitFile:
    """Training, validation or test.

    Attributes:
        name: ``train``, ``validation`` or ``test``.
        members: Indices of its images in the data set, ascending: row ``r`` of the file is image ``members[r]``.
        file: File with the pixels.
    """

    name: str
    members: npt.NDArray[np.int64]
    file: RowFile


@dataclass
class Decoded:
    """Findings about the decoded images of a data set.

    Attributes:
        reasons: Why an image is unreadable, by the image's index, ascending.
        digests: SHA-256 of the encoded content of each image, in hexadecimal.
        looks: ``(n, LOOK_BYTES)``, uint8; zeros for unreadable images.
        is_flat: ``(n,)``, whether an image has nearly a single colour.
        is_grey: ``(n,)``, whether an image has no colour.
        sides: int32 ``(n,)``, shorter side of the original images in pixels; 0 for unreadable images.
        has_more: ``(n,)``, whether the file of an image has further pages or frames.
        deep_grey: Maximum pixel value of each 16-bit grey image.
        done: Number of images that are decoded or found to be unreadable.
        grey_bits: Number of significant bits in 16-bit grey images; None if there are none.
    """

    reasons: dict[int, str]
    digests: list[str]
    looks: npt.NDArray[np.uint8]
    is_flat: npt.NDArray[np.bool_]
    is_grey: npt.NDArray[np.bool_]
    sides: npt.NDArray[np.int32]
    has_more: npt.NDArray[np.bool_]
    grey_bits: int | None = None
    deep_grey: dict[int, int] = field(default_factory=dict)
    done: int = 0

    @property
    def is_readable(self) -> npt.NDArray[np.bool_]:
        """``(n,)``, whether each image is readable."""
        readable = np.ones(len(self.digests), dtype=np.bool_)
        readable[list(self.reasons)] = False
        return readable

    def add(self, outcome: Outcome) -> None:
        """Record the outcome of one image."""
        if outcome.digest is not None:
            self.digests[outcome.image] = outcome.digest
        if outcome.deep_grey is not None:
            self.deep_grey[outcome.image] = outcome.deep_grey
        elif outcome.reason is not None:
            self.reasons[outcome.image] = outcome.reason
        elif outcome.look is not None:
            self.looks[outcome.image] = np.frombuffer(bytes.fromhex(outcome.look), np.uint8)
            self.is_flat[outcome.image] = outcome.is_flat
            self.is_grey[outcome.image] = outcome.is_grey
            self.sides[outcome.image] = outcome.side
            self.has_more[outcome.image] = outcome.has_more


def decode_parts(labelled: LabelledSet, parts: list[SplitFile], side: int, meter: Meter) -> Decoded:
    """Decode all images and write the files of the parts.

    Raises:
        StepCancelledError: The step is cancelled.
        OSError: A file can't be written to.
    """
    total = len(labelled.labels)
    decoded = Decoded(
        reasons={},
        digests=[UNREADABLE] * total,
        looks=np.zeros((total, LOOK_BYTES), dtype=np.uint8),
        is_flat=np.zeros(total, dtype=np.bool_),
        is_grey=np.zeros(total, dtype=np.bool_),
        sides=np.zeros(total, dtype=np.int32),
        has_more=np.zeros(total, dtype=np.bool_),
    )
    meter.tell(0, f"packing {total} images")
    setup = Setup(side, tuple(str(part.file.path) for part in parts))
    waiting = _decode(decoded, _Pending(_tasks(labelled, parts)), total, setup, meter)
    if waiting:
        decoded.grey_bits = grey_bits(max(decoded.deep_grey.values()))
        deep = dataclasses.replace(setup, grey_bits=decoded.grey_bits)
        _decode(decoded, _Pending(iter(waiting)), len(waiting), deep, meter)
    decoded.reasons = dict(sorted(decoded.reasons.items()))
    return decoded


class _Pending:
    """An iterator over tasks that records which tasks have no outcome yet."""

    def __init__(self, tasks: Iterator[DecodingTask]) -> None:
        self._tasks = tasks
        self.pending: dict[int, DecodingTask] = {}

    def __iter__(self) -> Iterator[DecodingTask]:
        for task in self._tasks:
            self.pending[task.index] = task
            yield task


def _decode(decoded: Decoded, tasks: _Pending, count: int, setup: Setup, meter: Meter) -> list[DecodingTask]:
    """Decode images; return the tasks of 16-bit grey images whose number of significant bits was unknown."""
    waiting: list[DecodingTask] = []
    total = len(decoded.digests)
    with closing(decode_all(tasks, count, setup)) as progress:
        for outcomes in progress:
            for outcome in outcomes:
                task = tasks.pending.pop(outcome.image)
                decoded.add(outcome)
                if outcome.deep_grey is not None:
                    waiting.append(task)
                else:
                    decoded.done += 1
            meter.tell(decoded.done / total, f"packing {decoded.done} of {total}")
    return sorted(waiting, key=lambda task: task.index)


def _tasks(labelled: LabelledSet, parts: list[SplitFile]) -> Iterator[DecodingTask]:
    files = np.empty(len(labelled.labels), dtype=np.int64)
    rows = np.empty_like(files)
    for number, part in enumerate(parts):
        files[part.members] = number
        rows[part.members] = np.arange(len(part.members))
    for index, (image, file, row) in enumerate(zip(labelled.images, files.tolist(), rows.tolist(), strict=True)):
        yield DecodingTask(index, image, file, parts[file].file.offset(row))
