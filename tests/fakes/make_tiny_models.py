"""Makes the .tflite files in ``models/``. Needs TensorFlow, and a quarter of a minute.

Run it in the folder ``tests`` as ``python -m fakes.make_tiny_models``. One small convolutional network for the images
of `tiny_images` is trained for a few epochs with a fixed seed, then written with each type of input tensor.
"""

import os
from collections.abc import Iterator
from pathlib import Path

os.environ["TF_USE_LEGACY_KERAS"] = "1"  # before TensorFlow is imported

import numpy as np
import tensorflow as tf
import tf_keras as keras

from edgepress_worker.coded.file import coded_file
from fakes.tiny_images import CLASSES, SIDE, tiny_images

_FOLDER = Path(__file__).parent / "models"
_TRAINING_IMAGES = 512
_CALIBRATION_IMAGES = 32


def _trained() -> keras.Model:
    keras.utils.set_random_seed(1)
    tf.config.experimental.enable_op_determinism()
    model = keras.Sequential(
        [
            keras.layers.Input((SIDE, SIDE, 3)),
            keras.layers.Rescaling(1 / 64, offset=-1),
            keras.layers.Conv2D(8, 3, strides=2, padding="same", activation="relu"),
            keras.layers.Conv2D(8, 3, strides=2, padding="same", activation="relu"),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(len(CLASSES), activation="softmax"),
        ]
    )
    model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy", metrics=["accuracy"])
    images, labels = tiny_images(_TRAINING_IMAGES, seed=100)
    model.fit(images.astype(np.float32), labels, batch_size=32, epochs=30, verbose=2)
    return model


def _calibration() -> Iterator[list[np.ndarray]]:
    for image in tiny_images(_CALIBRATION_IMAGES, seed=100)[0]:
        yield [image[np.newaxis].astype(np.float32)]


def _int_converter(model: keras.Model, operators: tf.lite.OpsSet, io_type: tf.DType) -> tf.lite.TFLiteConverter:
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = _calibration
    converter.target_spec.supported_ops = [operators]
    converter.inference_input_type = io_type
    converter.inference_output_type = io_type
    return converter


def main() -> None:
    """Trains, converts, writes."""
    model = _trained()
    int8 = tf.lite.OpsSet.TFLITE_BUILTINS_INT8
    int16x8 = tf.lite.OpsSet.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8
    converters = {
        "float32": tf.lite.TFLiteConverter.from_keras_model(model),
        "int8": _int_converter(model, int8, tf.int8),
        "uint8": _int_converter(model, int8, tf.uint8),
        "int16": _int_converter(model, int16x8, tf.int16),
    }
    _FOLDER.mkdir(exist_ok=True)
    for name, converter in converters.items():
        (_FOLDER / f"tiny_{name}.tflite").write_bytes(converter.convert())
    (_FOLDER / "tiny_int8.epz").write_bytes(coded_file((_FOLDER / "tiny_int8.tflite").read_bytes()))


if __name__ == "__main__":
    main()
