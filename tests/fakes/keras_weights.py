"""The weights of `fakes.keras_files.small_cnn`, as Keras writes them."""

import io
from collections.abc import Callable

import h5py
import numpy as np

_SHAPES = {"conv2d/vars/0": (3, 3, 3, 4), "conv2d/vars/1": (4,), "dense/vars/0": (4, 10), "dense/vars/1": (10,)}


def small_weights(plant: Callable[[h5py.File], object] = lambda _: None) -> bytes:
    """Return an HDF5 file with ones as weights, and with what a function adds to it."""
    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        for name, shape in _SHAPES.items():
            file[f"layers/{name}"] = np.ones(shape, np.float32)
        plant(file)
    return content.getvalue()
