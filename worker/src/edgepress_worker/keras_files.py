"""Reads, writes and weighs Keras models as HDF5 files.

TFMOT and the converter support HDF5 without problems, and the paper measures sizes of HDF5 files. The bytes of a file
depend only on the model: h5py writes no times, and layer names repeat because each step starts with a new Keras
session.
"""

import warnings
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from edgepress_worker.keras_environment import keras
from edgepress_worker.quantization.activation_range import ActivationRange
from edgepress_worker.uploaded_models.activations import ACTIVATIONS
from edgepress_worker.zip_size import FileSize, weigh

MEDIA_TYPE = "application/x-hdf5"


def save_model(model: keras.Model, path: Path, *, include_optimizer: bool = False) -> None:
    """Write a model, with the state of its optimizer if requested."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*saving your model as an HDF5 file.*")  # chosen on purpose
        model.save(path, include_optimizer=include_optimizer, save_format="h5")


def load_model(path: Path) -> keras.Model:
    """Reads a model, not compiled. The file may have any name: artifacts have no suffix."""
    return keras.models.load_model(
        path,
        compile=False,
        custom_objects={"edgepress>ActivationRange": ActivationRange, "Activation": _Activation, **ACTIVATIONS},
    )


class _Activation:
    """Reads layers of functions of our own: Keras writes these as objects, but reads only names from HDF5 files."""

    @staticmethod
    def from_config(config: dict[str, Any]) -> keras.layers.Activation:
        function = config["activation"]
        if isinstance(function, dict):
            config = config | {"activation": ACTIVATIONS[function["config"]]}
        return keras.layers.Activation(**config)


def save_and_weigh(model: keras.Model, optimizer: keras.optimizers.Optimizer, path: Path) -> tuple[FileSize, FileSize]:
    """Write a model; return the size of the file, and its size with the state of the optimizer.

    Args:
        model: The model; it is compiled with the optimizer afterwards.
        optimizer: The optimizer that trained the model, with its state.
        path: File to write. The file with the optimizer's state is written to the same folder and then removed.
    """
    save_model(model, path)
    model.compile(optimizer)
    with TemporaryDirectory(dir=path.parent) as folder:
        whole = Path(folder) / "model.h5"
        save_model(model, whole, include_optimizer=True)
        alone, with_optimizer = weigh(path, whole)
    return alone, with_optimizer
