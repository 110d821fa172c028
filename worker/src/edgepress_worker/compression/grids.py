"""int8's grid for weights: whole multiples, -127 to 127, of a step.

The step is the largest absolute weight over 127, of each output channel or of the layer; -128 is left out, so that zero
is in the middle (Jacob et al. 2017, arXiv:1712.05877, section 3; TFLite's quantization specification). TFLite's
converter finds the same steps for weights that lie on the grid already, whatever normalization it multiplies into them,
so what was trained is what is exported, code for code.
"""

from typing import Literal

from edgepress_worker.keras_environment import tf

Granularity = Literal["channel", "layer"]

LARGEST_CODE = 127


@tf.function(jit_compile=True)
def on_grid(weights: tf.Tensor, within_channel_axes: tuple[int, ...]) -> tf.Tensor:
    """The nearest points of the grid.

    Args:
        weights: Of any shape.
        within_channel_axes: The axes that share a step: all of them for one step for the layer.

    Returns:
        Of the same shape.
    """
    step = tf.reduce_max(tf.abs(weights), within_channel_axes, keepdims=True) / LARGEST_CODE
    # Halves go up, as in TensorFlow's own fake quantization.
    return tf.math.floor(tf.math.divide_no_nan(weights, step) + 0.5) * step
