"""Keras models as HDF5 files: written, read, and weighed.

HDF5 is what TFMOT and the converter read without surprises, and what the paper counts sizes in. A file's bytes follow
from the model alone: h5py writes no times, and layer names repeat because each step starts from a fresh Keras session.
"""

import warnings
from pathlib import Path
from tempfile import TemporaryDirectory

from edgepress_worker.keras_environment import keras
from edgepress_worker.quantization.activation_range import ActivationRange
from edgepress_worker.zip_size import FileSize, weigh

MEDIA_TYPE = "application/x-hdf5"


def save_model(model: keras.Model, path: Path, *, include_optimizer: bool = False) -> None:
    """Writes the model, with the state of its optimizer if asked to."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*saving your model as an HDF5 file.*")  # it is meant
        model.save(path, include_optimizer=include_optimizer, save_format="h5")


def load_model(path: Path) -> keras.Model:
    """Reads a model, not compiled. The file may have any name: artifacts have no suffix."""
    return keras.models.load_model(path, compile=False, custom_objects={"edgepress>ActivationRange": ActivationRange})


def save_and_weigh(model: keras.Model, optimizer: keras.optimizers.Optimizer, path: Path) -> tuple[FileSize, FileSize]:
    """Writes the model, and says how large the file is, and how large it would be with the optimizer's state in it.

    Args:
        model: Is compiled with the optimizer afterwards.
        optimizer: What trained the model, with its state.
        path: Of the model's file. Its folder needs room for the other file too, which is gone again afterwards.
    """
    save_model(model, path)
    model.compile(optimizer)
    with TemporaryDirectory(dir=path.parent) as folder:
        whole = Path(folder) / "model.h5"
        save_model(model, whole, include_optimizer=True)
        alone, with_optimizer = weigh(path, whole)
    return alone, with_optimizer
