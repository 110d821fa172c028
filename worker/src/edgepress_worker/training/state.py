"""The state of a training on disk, so that another attempt goes on as if nothing had happened.

After each epoch, everything the next one depends on is written to a folder beside the others (weights, the optimizer's
slots and count of steps, the history), flushed, and renamed to ``epoch-<n>``. A folder of that name is therefore whole:
a process that is killed leaves at most one unfinished folder, which nobody reads. Two are kept: the last, and the best
where early stopping may want it back.
"""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from pydantic import TypeAdapter

from edgepress_common.results import Epoch
from edgepress_worker.keras_environment import keras, tf

_HISTORY = TypeAdapter(tuple[Epoch, ...])
_HISTORY_FILE = "history.json"
_CHECKPOINT = "checkpoint"


class TrainingState:
    """What is saved of one training.

    Args:
        folder: Where; of this training alone, and there again for its next attempt.
        model: Compiled, and its optimizer's slots created, so that all there is to restore exists.
    """

    def __init__(self, folder: Path, model: keras.Model) -> None:
        self._folder = folder
        self._checkpoint = tf.train.Checkpoint(model=model, optimizer=model.optimizer)

    def resume(self) -> tuple[Epoch, ...]:
        """Puts the last saved state into the model and gives the history up to it, empty if there is none."""
        saved = self._saved()
        if not saved:
            return ()
        self.restore(saved[-1])
        return _HISTORY.validate_json((self._place(saved[-1]) / _HISTORY_FILE).read_bytes())

    def save(self, history: Sequence[Epoch], *, best: int | None) -> None:
        """Saves the model after the epochs of the history.

        Args:
            history: All epochs so far.
            best: Number of the epoch to keep beside this one, if any, counted from 1.
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
        """Puts the model back to where it was after that epoch, which must be one of those kept."""
        self._checkpoint.read(str(self._place(epoch) / _CHECKPOINT)).assert_consumed()

    def _saved(self) -> list[int]:
        return sorted(int(path.name.removeprefix("epoch-")) for path in self._folder.glob("epoch-*"))

    def _place(self, epoch: int) -> Path:
        return self._folder / f"epoch-{epoch:04}"


def _flush(*paths: Path) -> None:
    for path in paths:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)  # before the renaming, or a power cut could leave the name without the bytes
        finally:
            os.close(descriptor)
