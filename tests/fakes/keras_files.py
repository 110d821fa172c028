"""Files of Keras models, built by hand: as Keras writes them, or as an attacker would."""

import io
import json
import zipfile
from collections.abc import Mapping
from typing import Any

HDF5 = b"\x89HDF\r\n\x1a\n"
METADATA = b'{"keras_version": "3.15.1", "date_saved": "2026-01-01@00:00:00"}'

Json = dict[str, Any]


def layer(kind: str, name: str, **settings: object) -> Json:
    """A layer of Keras's own, as a Sequential model has it."""
    config = {"name": name, "trainable": True, "dtype": "float32"} | settings
    return {"module": "keras.layers", "class_name": kind, "config": config, "registered_name": None}


def image(side: int | None = 32, channels: int = 3) -> Json:
    """The layer that images come in by."""
    return layer("InputLayer", "image", batch_shape=[None, side, side, channels], sparse=False, ragged=False)


def convolution(**changes: object) -> Json:
    """A convolution of four filters."""
    initializer: Json = {"module": "keras.initializers", "class_name": "Zeros", "config": {}, "registered_name": None}
    settings: Json = {
        "filters": 4,
        "kernel_size": [3, 3],
        "activation": "relu",
        "kernel_initializer": initializer,
        "kernel_regularizer": None,
    }
    return layer("Conv2D", "convolution", **(settings | changes))


def small_cnn(*between: Json, side: int | None = 32, classes: int = 10, activation: str = "softmax") -> Json:
    """A Sequential model of one convolution, with other layers behind it."""
    pooled = layer("GlobalAveragePooling2D", "pooled")
    dense = layer("Dense", "dense", units=classes, activation=activation)
    return sequential(image(side), convolution(), *between, pooled, dense)


def sequential(*layers: Json, name: str = "small", **around: object) -> Json:
    """A Sequential model, as config.json has it."""
    config = {"name": name, "layers": list(layers)}
    return {"module": "keras", "class_name": "Sequential", "config": config, "registered_name": None} | around


def called(entry: Json, *sources: str) -> Json:
    """A layer of a functional model, as Keras 3 says what it is called on."""
    tensors = [{"class_name": "__keras_tensor__", "config": {"keras_history": [source, 0, 0]}} for source in sources]
    args: list[object] = [tensors] if len(tensors) > 1 else list(tensors)
    nodes = [{"args": args, "kwargs": {}}] if sources else []
    return entry | {"name": entry["config"]["name"], "inbound_nodes": nodes}


def functional(*layers: Json, output: str, name: str = "small") -> Json:
    """A functional model, as config.json has it."""
    config = {"name": name, "layers": list(layers), "input_layers": [["image", 0, 0]], "output_layers": [output, 0, 0]}
    return {
        "module": "keras.src.models.functional",
        "class_name": "Functional",
        "config": config,
        "registered_name": "Functional",
    }


def keras_file(
    config: object = None,
    *,
    weights: bytes = HDF5,
    others: Mapping[str, bytes] | None = None,
    text: bytes | None = None,
) -> bytes:
    """A .keras file.

    Args:
        config: Configuration of the model; a small network if None.
        weights: What is said to be the HDF5 file.
        others: What else is in the zip.
        text: What stands in config.json, instead.
    """
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("metadata.json", METADATA)
        archive.writestr("config.json", text or json.dumps(config or small_cnn()))
        archive.writestr("model.weights.h5", weights)
        for name, data in (others or {}).items():
            archive.writestr(name, data)
    return content.getvalue()
