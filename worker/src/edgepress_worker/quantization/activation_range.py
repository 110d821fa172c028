"""A layer that rounds what flows through it to 256 steps of the range it has seen, as int8 will.

While training, the range follows the least and the largest value of each batch with a moving average, from the first
batch on (TFMOT begins at plus and minus 6 and forgets that over a thousand steps, which a short fine-tuning does not
have). Zero is always in the range. Gradients pass where values lie in the range (Jacob et al. 2017, arXiv:1712.05877,
section 3.1). The converter takes the range for the tensor's.
"""

from typing import Any

from edgepress_worker.keras_environment import keras, tf

_BITS = 8


@keras.utils.register_keras_serializable(package="edgepress")
class ActivationRange(keras.layers.Layer):
    """Rounds activations.

    Args:
        momentum: Share of the range that stays at each step of a training.
        settings: Keras's own.
    """

    def __init__(self, momentum: float = 0.99, **settings: Any) -> None:
        super().__init__(**settings)
        self.momentum = momentum

    def build(self, input_shape: Any) -> None:
        """Makes the range's weights; Keras calls it."""
        self.low = self._range_weight("low")
        self.high = self._range_weight("high")
        super().build(input_shape)

    def call(self, inputs: tf.Tensor, training: bool | None = None) -> tf.Tensor:  # noqa: FBT001 - as Keras calls it
        """The values, rounded."""
        values = tf.cast(inputs, tf.float32)
        if training:
            self._follow(values)
        rounded = tf.quantization.fake_quant_with_min_max_vars(values, self.low, self.high, num_bits=_BITS)
        return tf.cast(rounded, inputs.dtype)

    def get_config(self) -> dict[str, Any]:
        """What Keras writes of it into a file."""
        return super().get_config() | {"momentum": self.momentum}

    def _range_weight(self, name: str) -> tf.Variable:
        return self.add_weight(
            name=name,
            shape=(),
            dtype=tf.float32,
            initializer="zeros",
            trainable=False,
            experimental_autocast=False,  # the range of a network that computes in 16 bits is kept in 32
        )

    def _follow(self, values: tf.Tensor) -> None:
        unseen = tf.logical_and(tf.equal(self.low, 0.0), tf.equal(self.high, 0.0))
        kept = tf.where(unseen, 0.0, self.momentum)
        for bound, extreme in (
            (self.low, tf.minimum(tf.reduce_min(values), 0.0)),
            (self.high, tf.maximum(tf.reduce_max(values), 0.0)),
        ):
            bound.assign(kept * bound + (1 - kept) * tf.stop_gradient(extreme))
