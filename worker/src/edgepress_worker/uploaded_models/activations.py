"""Activations that Keras 2 lacks or that do not become int8; registered, so that saved files refer to them by name.

- ``hard_sigmoid`` and ``hard_swish`` are Keras 3's, which Keras 2 computes differently or not at all.
- The converter does not quantize TensorFlow's ``elu``, but it quantizes each part of the sum used here. The negative
  part is x - relu(x), because MINIMUM makes the converter give its input the range of its output: positive values of
  x would be lost for all operators that read it.
- Keras's ``selu``, ``softplus`` and ``mish`` contain exp(x) of positive x. In int8 its range leaves no codes for small
  values, and above x = 88 it is infinite, at which the converter ends the process. Here exp is at most 1.
- Keras's ``softsign`` is a division. TFLite's int8 kernel of DIV stops at a divisor whose code is 0, the middle of
  the range of an int8 tensor: the file would run on some images only.
"""

from edgepress_worker.keras_environment import keras, tf

_PACKAGE = "edgepress"
# Of the paper below.
_SELU_ALPHA = 1.6732632423543772
_SELU_SCALE = 1.0507009873554805


@keras.utils.register_keras_serializable(package=_PACKAGE)
def elu(values: tf.Tensor) -> tf.Tensor:
    """Return x where it is positive, else exp(x) - 1."""
    positive = tf.nn.relu(values)
    return positive + (tf.exp(values - positive) - 1.0)


@keras.utils.register_keras_serializable(package=_PACKAGE)
def hard_sigmoid(values: tf.Tensor) -> tf.Tensor:
    """Return relu6(x + 3) / 6."""
    return tf.nn.relu6(values + 3.0) * (1 / 6)


@keras.utils.register_keras_serializable(package=_PACKAGE)
def hard_swish(values: tf.Tensor) -> tf.Tensor:
    """Return x relu6(x + 3) / 6."""
    return values * tf.nn.relu6(values + 3.0) * (1 / 6)


@keras.utils.register_keras_serializable(package=_PACKAGE)
def selu(values: tf.Tensor) -> tf.Tensor:
    """Return the exponential linear unit of Klambauer et al. 2017, arXiv:1706.02515."""
    positive = tf.nn.relu(values)
    return _SELU_SCALE * positive + _SELU_SCALE * _SELU_ALPHA * (tf.exp(values - positive) - 1.0)


@keras.utils.register_keras_serializable(package=_PACKAGE)
def softplus(values: tf.Tensor) -> tf.Tensor:
    """Return log(1 + exp(x)), as the sum of relu(x) and log(1 + exp(-abs(x)))."""
    positive = tf.nn.relu(values)
    return positive + tf.math.log(1.0 + tf.exp(values - 2.0 * positive))  # NEG has no int8 kernel


@keras.utils.register_keras_serializable(package=_PACKAGE)
def mish(values: tf.Tensor) -> tf.Tensor:
    """Return x tanh(softplus(x))."""
    return values * tf.tanh(softplus(values))


@keras.utils.register_keras_serializable(package=_PACKAGE)
def softsign(values: tf.Tensor) -> tf.Tensor:
    """Return x / (1 + abs(x)), with the square of a reciprocal square root instead of a division."""
    root = tf.math.rsqrt(1.0 + tf.abs(values))
    return values * root * root


_REPLACING = (selu, softplus, mish, softsign)
ACTIVATIONS = {
    **{f"{_PACKAGE}>{function.__name__}": function for function in (elu, hard_sigmoid, hard_swish, *_REPLACING)},
    # Keras's own, in models that were stored before this module replaced them.
    **{function.__name__: function for function in _REPLACING},
}
"""Activations by the names that Keras writes to files."""
