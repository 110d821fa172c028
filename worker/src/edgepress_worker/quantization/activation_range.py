"""A layer that rounds activations to 256 steps of their observed range, as int8 does.

During training, the range follows the minimum and maximum of each batch with a moving average, starting with the first
batch (TFMOT starts at plus and minus 6 and needs a thousand steps to forget that, longer than a short fine-tuning).
Zero is always in the range. Gradients pass for values within the range (Jacob et al. 2017, arXiv:1712.05877, section
3.1). The converter uses the range as that of the tensor.
"""

from typing import Any

from edgepress_worker.keras_environment import keras, tf

_BITS = 8


@keras.utils.register_keras_serializable(package="edgepress")
class ActivationRange(keras.layers.Layer):
    """Rounds activations.

    Args:
        momentum: Share of the range that is kept at each training step, 0 to 1.
        settings: Settings of `keras.layers.Layer`.
    """

    def __init__(self, momentum: float = 0.99, **settings: Any) -> None:
        super().__init__(**settings)
        self.momentum = momentum

    def build(self, input_shape: Any) -> None:
        """Create the weights of the range; called by Keras."""
        self.low = self._range_weight("low")
        self.high = self._range_weight("high")
        super().build(input_shape)

    @tf.autograph.experimental.do_not_convert  # there is one after each layer, and converting takes seconds
    def call(self, inputs: tf.Tensor, training: bool | None = None) -> tf.Tensor:  # noqa: FBT001 - as Keras calls it
        """Return the rounded values."""
        values = tf.cast(inputs, tf.float32)
        if training:
            self._follow(values)
        rounded = tf.quantization.fake_quant_with_min_max_vars(values, self.low, self.high, num_bits=_BITS)
        return tf.cast(rounded, inputs.dtype)

    def get_config(self) -> dict[str, Any]:
        """Return the settings that Keras writes to a file."""
        return super().get_config() | {"momentum": self.momentum}

    def _range_weight(self, name: str) -> tf.Variable:
        return self.add_weight(
            name=name,
            shape=(),
            dtype=tf.float32,
            initializer="zeros",
            trainable=False,
            experimental_autocast=False,  # the range stays float32 in a network with 16-bit precision
        )

    def _follow(self, values: tf.Tensor) -> None:
        flat = tf.reshape(tf.stop_gradient(values), [-1])
        low, high = moved(flat, self.low, self.high, self.momentum)
        self.low.assign(low)
        self.high.assign(high)


_NUMBER = tf.TensorSpec((), tf.float32)


# Traced once for all layers of all networks: traced for each of them, it would be a quarter of the network's operators.
@tf.function(input_signature=(tf.TensorSpec((None,), tf.float32), _NUMBER, _NUMBER, _NUMBER), autograph=False)
def moved(values: tf.Tensor, low: tf.Tensor, high: tf.Tensor, momentum: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Return the next range.

    Args:
        values: Values of a batch, ``(n,)``.
        low: Lower end of the present range; 0 like the upper end if there is none.
        high: Upper end of the present range.
        momentum: Share of the present range that is kept, 0 to 1.
    """
    unseen = tf.logical_and(tf.equal(low, 0.0), tf.equal(high, 0.0))
    kept = tf.where(unseen, 0.0, momentum)
    lowest, highest = tf.minimum(tf.reduce_min(values), 0.0), tf.maximum(tf.reduce_max(values), 0.0)
    return kept * low + (1 - kept) * lowest, kept * high + (1 - kept) * highest
