"""The precision that a network computes in.

A mixed policy multiplies in 16 bits and keeps weights, BatchNorm's statistics and the classifier's output in 32. Models
are stored, and given from stage to stage, in plain float32: a policy is put on for the training and taken off after it.
"""

from collections.abc import Sequence
from typing import Literal

from edgepress_worker.keras_environment import keras, tf

Policy = Literal["float32", "mixed_float16", "mixed_bfloat16"]

# From Volta (7.0) on, GPUs have units for float16 matrices; before, mixed precision gains nothing.
# https://www.tensorflow.org/guide/mixed_precision, "Supported hardware"
_FIRST_WITH_FLOAT16_UNITS = (7, 0)


def choose_policy(asked: Literal["auto"] | Policy, gpus: Sequence[tuple[int, int]]) -> Policy:
    """The policy to train with.

    Args:
        asked: The settings' precision.
        gpus: Compute capability of each GPU, as in ``(8, 6)``.
    """
    if asked != "auto":
        return asked
    gains = bool(gpus) and all(capability >= _FIRST_WITH_FLOAT16_UNITS for capability in gpus)
    return "mixed_float16" if gains else "float32"


def gpu_capabilities() -> list[tuple[int, int]]:
    """Compute capability of each GPU that TensorFlow sees; (0, 0) where it does not tell."""
    return [
        tf.config.experimental.get_device_details(gpu).get("compute_capability", (0, 0))
        for gpu in tf.config.list_physical_devices("GPU")
    ]


def with_policy(model: keras.Model, policy: Policy) -> keras.Model:
    """A copy of the model, weights and all, that computes in another precision; not compiled.

    Layers that give the model's output stay in float32: a softmax in 16 bits loses small probabilities.
    """
    last = {id(tensor) for tensor in model.outputs}

    def convert(layer: keras.layers.Layer) -> keras.layers.Layer:
        config = layer.get_config()
        gives_output = any(id(tensor) in last for tensor in tf.nest.flatten(layer.output))
        config["dtype"] = "float32" if gives_output else policy
        return layer.__class__.from_config(config)

    copy = keras.models.clone_model(model, clone_function=convert)
    copy.set_weights(model.get_weights())
    return copy
