"""Keras models as HDF5 files: written, read, and weighed.

HDF5 is what TFMOT and the converter read without surprises, and what the paper counts sizes in. A file's bytes follow
from the model alone: h5py writes no times, and layer names repeat because each step starts from a fresh Keras session.
"""

import warnings
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from edgepress_worker.keras_environment import keras
from edgepress_worker.quantization.activation_range import ActivationRange
from edgepress_worker.zip_size import zip_bytes

MEDIA_TYPE = "application/x-hdf5"


@dataclass(frozen=True)
class FileSize:
    """Of one file.

    Attributes:
        size_bytes: As it is.
        zip_bytes: Zipped.
    """

    size_bytes: int
    zip_bytes: int


def save_model(model: keras.Model, path: Path, *, include_optimizer: bool = False) -> FileSize:
    """Writes the model, with the state of its optimizer if asked to, and says how large the file is."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*saving your model as an HDF5 file.*")  # it is meant
        model.save(path, include_optimizer=include_optimizer, save_format="h5")
    return FileSize(path.stat().st_size, zip_bytes(path))


def load_model(path: Path) -> keras.Model:
    """Reads a model, not compiled. The file may have any name: artifacts have no suffix."""
    return keras.models.load_model(path, compile=False, custom_objects={"edgepress>ActivationRange": ActivationRange})


def size_with_optimizer(model: keras.Model, optimizer: keras.optimizers.Optimizer, scratch: Path) -> FileSize:
    """How large the model's file is with the optimizer's state in it; the file is gone again afterwards.

    Args:
        model: Is compiled with the optimizer afterwards.
        optimizer: What trained the model, with its state.
        scratch: Folder with room for the file.
    """
    model.compile(optimizer)
    with TemporaryDirectory(dir=scratch) as folder:
        return save_model(model, Path(folder) / "model.h5", include_optimizer=True)
