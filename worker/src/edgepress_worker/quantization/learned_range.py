"""A layer that rounds activations to 256 codes of a trained range.

With the scale s and the offset o, a value x becomes y = s c + o with c = clip(round((x - o) / s), 0, 255). Activations
that are never below zero have the offset 0 and a trained scale (LSQ: Esser et al. 2020, arXiv:1902.08153), others a
trained scale and a trained offset (LSQ+: Bhalgat et al. 2020, arXiv:2004.09576, section 3.1). For the gradient g of y:

1. the gradient of x is g within the range, and 0 for a clipped value
2. the gradient of s is the sum of g (y - x) / s for values within, and of 255 g for values above
3. the gradient of o is the sum of g for clipped values
4. both are multiplied by 1 / sqrt(255 n) for n values of an image (section 2.2 of LSQ)

The variables are the logarithms of the ends of the range, h = o + 255 s and -o: zero is then always within, as int8
requires, and an Adam step changes each end by the same share.
"""

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from edgepress_worker.keras_environment import keras, tf
from edgepress_worker.quantization.activation_range import ActivationRange

_BITS = 8
_LARGEST_CODE = 2**_BITS - 1
_SMALLEST = 1e-6  # end of a range that no value reaches

Values = npt.NDArray[np.float32]


@keras.utils.register_keras_serializable(package="edgepress")
class LearnedRange(keras.layers.Layer):
    """Rounds activations. It replaces an `ActivationRange` during a training.

    Args:
        below_zero: Whether values can be below zero.
        settings: Settings of `keras.layers.Layer`.
    """

    def __init__(self, *, below_zero: bool, **settings: Any) -> None:
        super().__init__(**settings)
        self.below_zero = below_zero

    @classmethod
    def replacing(cls, layer: ActivationRange) -> "LearnedRange":
        """Return a layer in place of one with an observed range."""
        low, _ = layer.get_weights()
        return cls(below_zero=bool(low < 0), name=layer.name, dtype=layer.dtype_policy)

    @staticmethod
    def weights_for(layer: ActivationRange) -> list[Values]:
        """Return the weights with which the range begins as an observed one."""
        low, high = layer.get_weights()
        ends = [high, -low] if low < 0 else [high]
        return [np.log(np.maximum(each, _SMALLEST)) for each in ends]

    def build(self, input_shape: Any) -> None:
        """Create the weights of the range; called by Keras."""
        self._logarithms = [
            self.add_weight(
                name=name,
                shape=(),
                dtype=tf.float32,
                initializer="zeros",
                experimental_autocast=False,  # the range stays float32 in a network with 16-bit precision
            )
            for name in (("log_high", "log_low") if self.below_zero else ("log_high",))
        ]
        self._share = 1 / math.sqrt(_LARGEST_CODE * math.prod(input_shape[1:]))
        super().build(input_shape)

    @tf.autograph.experimental.do_not_convert  # as for `ActivationRange`
    def call(self, inputs: tf.Tensor, training: bool | None = None) -> tf.Tensor:  # noqa: ARG002, FBT001 - as Keras calls
        """Return the rounded values."""
        ends = [tf.exp(each) for each in self._logarithms]
        low = -ends[1] if self.below_zero else tf.constant(0.0)
        return tf.cast(rounded(tf.cast(inputs, tf.float32), low, ends[0], self._share), inputs.dtype)

    def get_config(self) -> dict[str, Any]:
        """Return the settings that Keras writes to a file."""
        return super().get_config() | {"below_zero": self.below_zero}

    def ends(self) -> list[Values]:
        """Return the lower and the upper end, the weights of an `ActivationRange`."""
        high, *low = (np.exp(each) for each in self.get_weights())
        return [-low[0] if low else np.zeros_like(high), high]


def rounded(values: tf.Tensor, low: tf.Tensor, high: tf.Tensor, share: float) -> tf.Tensor:
    """Return values rounded as `ActivationRange` rounds them, with the gradients of the module.

    Args:
        values: Values of a batch, of any shape.
        low: Lower end of the range, at most 0.
        high: Upper end, at least 0.
        share: Factor of the gradients of both ends.
    """

    @tf.custom_gradient
    def with_gradient(values: tf.Tensor, low: tf.Tensor, high: tf.Tensor) -> tuple[tf.Tensor, Any]:
        found = tf.quantization.fake_quant_with_min_max_vars(values, low, high, num_bits=_BITS)

        def gradient(of_found: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
            width = high - low
            # The ends that the operator uses: it moves the range so that zero is a code.
            lowest, largest = tf.unstack(
                tf.quantization.fake_quant_with_min_max_vars(tf.stack([low - width, high + width]), low, high, _BITS)
            )
            below, above = values < lowest, values > largest
            clipped = below | above
            change = tf.where(
                above, float(_LARGEST_CODE), tf.where(below, 0.0, (found - values) * _LARGEST_CODE / width)
            )
            of_high = tf.reduce_sum(of_found * change) / _LARGEST_CODE
            of_low = tf.reduce_sum(tf.where(clipped, of_found, 0.0)) - of_high
            return tf.where(clipped, 0.0, of_found), of_low * share, of_high * share

        return found, gradient

    return with_gradient(values, low, high)
