"""Exports the trainings of a job as a folder for TensorBoard.

The folders are ``<pipeline>/<n>-<stage>/train`` and ``.../validation``. The curves have Keras's names, so TensorBoard
draws those of training and validation in one chart, together with other trainings by Keras.

The files are written with TensorBoard's own messages and records, which need neither TensorFlow nor gRPC; see decision
0010.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from edgepress_client.errors import MissingLibraryError
from edgepress_client.tracking.curves import NamedTraining, named_trainings
from edgepress_common.answers.report import Report

# TensorBoard reads files with this in their names. The same job has the same names, so exporting again overwrites.
_FILE = "events.out.tfevents.{began_at:.0f}.edgepress"
_VERSION = "brain.Event:2"  # of the format; the first event of a file states it

_Curves = dict[str, float]


def write_event_files(report: Report, folder: Path) -> list[Path]:
    """Write the trainings; return their folders, relative to the given one.

    Raises:
        MissingLibraryError: TensorBoard is not installed.
    """
    written = []
    for training in named_trainings(report):
        # Users name pipelines: a name is never a path.
        place = Path(re.sub(r"[^\w .+-]", "_", training.pipeline).lstrip(".") or "_", training.name)
        for part, points in (("train", _training(training)), ("validation", _validation(training))):
            target = folder / place / part / _FILE.format(began_at=training.began_at)
            target.parent.mkdir(parents=True, exist_ok=True)
            _write(target, training.began_at, points)
        written.append(place)
    return written


def _training(training: NamedTraining) -> Iterator[tuple[int, float, _Curves]]:
    for epoch, at in training.epoch_ends():
        yield (
            epoch.epoch,
            at,
            {
                "epoch_loss": epoch.loss,
                "epoch_accuracy": epoch.accuracy,
                "epoch_learning_rate": epoch.learning_rate,
                "epoch_seconds": epoch.seconds,
            },
        )


def _validation(training: NamedTraining) -> Iterator[tuple[int, float, _Curves]]:
    for epoch, at in training.epoch_ends():
        yield epoch.epoch, at, {"epoch_loss": epoch.val_loss, "epoch_accuracy": epoch.val_accuracy}


def _write(target: Path, began_at: float, points: Iterator[tuple[int, float, _Curves]]) -> None:
    """Write a file with the curves, epoch by epoch.

    Args:
        target: The file. An existing one is replaced.
        began_at: Time of the first event, in seconds since 1970.
        points: Number of each epoch, its time in seconds since 1970, and the value of each curve.
    """
    event, record_writer = _tensorboard()
    with target.open("wb") as file:
        records = record_writer(file)
        records.write(event(wall_time=began_at, file_version=_VERSION).SerializeToString())
        for step, at, curves in points:
            values = [{"tag": tag, "simple_value": value} for tag, value in curves.items()]
            records.write(event(wall_time=at, step=step, summary={"value": values}).SerializeToString())


def _tensorboard() -> tuple[Any, Any]:
    try:
        from tensorboard.compat.proto.event_pb2 import Event  # noqa: PLC0415 - optional
        from tensorboard.summary.writer.record_writer import RecordWriter  # noqa: PLC0415 - optional
    except ImportError as error:
        raise MissingLibraryError(
            "event files need TensorBoard, which is not installed; install it with: pip install "
            "'edgepress-client[tensorboard]'"
        ) from error
    return Event, RecordWriter
