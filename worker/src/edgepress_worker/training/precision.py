"""The precision that a network computes in.

A mixed policy multiplies in 16 bits and keeps weights, BatchNorm's statistics and the classifier in 32, logits and
probabilities included. Models are stored, and given from stage to stage, in plain float32: a policy is put on for the
training and taken off after it.
"""

from collections.abc import Iterator, Sequence
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

    The last layer that learns, and what comes behind it, stay in float32: a softmax in 16 bits loses small
    probabilities, and logits in 16 bits are too coarse to be compared with a teacher's.
    """
    in_full = {layer.name for output in model.output_names for layer in _classifier(model.get_layer(output))}

    def convert(layer: keras.layers.Layer) -> keras.layers.Layer:
        config = layer.get_config()
        config["dtype"] = "float32" if layer.name in in_full else policy
        return layer.__class__.from_config(config)

    copy = keras.models.clone_model(model, clone_function=convert)
    copy.set_weights(model.get_weights())
    return copy


def in_float32(model: keras.Model) -> keras.Model:
    """The model itself, if it computes in float32 throughout; else a copy that does."""
    is_plain = all(layer.dtype_policy.name == "float32" for layer in model.layers)
    return model if is_plain else with_policy(model, "float32")


def _classifier(last: keras.layers.Layer) -> Iterator[keras.layers.Layer]:
    """The last layer, and those before it back to one that learns, or to where several come together."""
    yield last
    (node,) = last.inbound_nodes
    if not last.trainable_weights and len(node.parent_nodes) == 1:
        yield from _classifier(node.parent_nodes[0].layer)
