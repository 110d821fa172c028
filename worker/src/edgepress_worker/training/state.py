"""The state of a training on disk, from which another attempt resumes.

After each epoch, the state (weights, the optimizer's slots and step count, the history) is written to a temporary
folder, flushed, and renamed to ``epoch-<n>``. A folder with such a name is therefore complete: a killed process leaves
at most one unfinished folder, which is never read. Two folders are kept: the latest, and the best if early stopping may
restore it.
"""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from pydantic import TypeAdapter

from edgepress_common.results import Epoch
from edgepress_worker.keras_environment import keras, tf
from edgepress_worker.training.averaging import WeightAverage

_HISTORY = TypeAdapter(tuple[Epoch, ...])
_HISTORY_FILE = "history.json"
_CHECKPOINT = "checkpoint"


class TrainingState:
    """The saved state of a training.

    Args:
        folder: Folder for this training only; the next attempt gets the same folder.
        model: The compiled model, with the slots of its optimizer created, so that all variables to restore exist.
        average: Average of its weights; None for a training without one.
    """

    def __init__(self, folder: Path, model: keras.Model, average: WeightAverage | None) -> None:
        self._folder = folder
        parts = {} if average is None else {"average": average}
        self._checkpoint = tf.train.Checkpoint(model=model, optimizer=model.optimizer, **parts)

    def resume(self) -> tuple[Epoch, ...]:
        """Restore the latest saved state to the model; return its history, which is empty if there is none."""
        saved = self._saved()
        if not saved:
            return ()
        self.restore(saved[-1])
        return _HISTORY.validate_json((self._place(saved[-1]) / _HISTORY_FILE).read_bytes())

    def save(self, history: Sequence[Epoch], *, best: int | None) -> None:
        """Save the model after the epochs of the history.

        Args:
            history: All epochs so far.
            best: Number of another epoch to keep, from 1; None for none.
        """
        incoming = self._folder / "incoming"
        shutil.rmtree(incoming, ignore_errors=True)
        incoming.mkdir(parents=True)
        self._checkpoint.write(str(incoming / _CHECKPOINT))
        (incoming / _HISTORY_FILE).write_bytes(_HISTORY.dump_json(tuple(history)))
        _flush(*incoming.iterdir(), incoming)
        incoming.replace(self._place(len(history)))
        _flush(self._folder)
        for epoch in self._saved():
            if epoch not in {len(history), best}:
                shutil.rmtree(self._place(epoch))

    def restore(self, epoch: int) -> None:
        """Restore the model to its state after an epoch, which must be one that is kept."""
        self._checkpoint.read(str(self._place(epoch) / _CHECKPOINT)).assert_consumed()

    def _saved(self) -> list[int]:
        return sorted(int(path.name.removeprefix("epoch-")) for path in self._folder.glob("epoch-*"))

    def _place(self, epoch: int) -> Path:
        return self._folder / f"epoch-{epoch:04}"


def _flush(*paths: Path) -> None:
    for path in paths:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)  # before the rename; otherwise, a power failure could leave an incomplete file
        finally:
            os.close(descriptor)
