"""int8's grid for weights: integer multiples, -127 to 127, of a scale.

The scale is the largest absolute weight divided by 127, per output channel or per layer. -128 is not used, so that the
grid is symmetric (Jacob et al. 2017, arXiv:1712.05877, section 3; TFLite's quantization specification). For weights on
the grid, TFLite's converter finds the same scales, regardless of the normalization that it folds into them. The
exported codes are therefore exactly those of the training.
"""

from typing import Literal

from edgepress_worker.keras_environment import tf

Granularity = Literal["channel", "layer"]

LARGEST_CODE = 127


def on_grid(weights: tf.Tensor, within_channel_axes: tuple[int, ...]) -> tf.Tensor:
    """Return the nearest points of the grid.

    Args:
        weights: Weights of any shape.
        within_channel_axes: Axes that share a scale; all axes for one scale per layer.

    Returns:
        The rounded weights, of the same shape.
    """
    scale = tf.reduce_max(tf.abs(weights), within_channel_axes, keepdims=True) / LARGEST_CODE
    # XLA would compile this for each shape of a kernel, a second or two for a network, and save a hundredth of a step.
    # Halves are rounded up, as in TensorFlow's own fake quantization.
    return tf.math.floor(tf.math.divide_no_nan(weights, scale) + 0.5) * scale
