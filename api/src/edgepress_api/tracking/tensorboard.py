"""A job's trainings as a folder that TensorBoard opens.

``<pipeline>/<n>-<stage>/train`` and ``.../validation``, with Keras's names for the curves: those of training and
validation are drawn into one chart, and lie beside those of other trainings by Keras.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from edgepress_api.report import Report
from edgepress_api.tracking.curves import NamedTraining, named_trainings
from edgepress_api.tracking.event_file import Point, event_file

# TensorBoard takes files with this in their names; the same job gives the same names, so it can be written again.
_FILE = "events.out.tfevents.{began_at:.0f}.edgepress"


def write_event_files(report: Report, folder: Path) -> list[Path]:
    """Writes them; answers the folders, one for each training, relative to the one that is given."""
    written = []
    for training in named_trainings(report):
        # Users name pipelines: a name is never a path.
        place = Path(re.sub(r"[^\w .+-]", "_", training.pipeline).lstrip(".") or "_", training.name)
        for part, points in (("train", _training(training)), ("validation", _validation(training))):
            target = folder / place / part / _FILE.format(began_at=training.began_at)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(event_file(points, training.began_at))
        written.append(place)
    return written


def _training(training: NamedTraining) -> Iterator[Point]:
    for epoch, at in training.epoch_ends():
        yield Point("epoch_loss", epoch.epoch, epoch.loss, at)
        yield Point("epoch_accuracy", epoch.epoch, epoch.accuracy, at)
        yield Point("epoch_learning_rate", epoch.epoch, epoch.learning_rate, at)
        yield Point("epoch_seconds", epoch.epoch, epoch.seconds, at)


def _validation(training: NamedTraining) -> Iterator[Point]:
    for epoch, at in training.epoch_ends():
        yield Point("epoch_loss", epoch.epoch, epoch.val_loss, at)
        yield Point("epoch_accuracy", epoch.epoch, epoch.val_accuracy, at)
