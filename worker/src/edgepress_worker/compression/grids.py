"""int8's grid for weights: integer multiples, -127 to 127, of a scale.

The scale is the largest absolute weight divided by 127, per output channel or per layer. -128 is not used, so that the
grid is symmetric (Jacob et al. 2017, arXiv:1712.05877, section 3; TFLite's quantization specification). For weights on
the grid, TFLite's converter finds the same scales, regardless of the normalization that it folds into them. The
exported codes are therefore exactly those of the training.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from edgepress_common.errors import StepFailedError
from edgepress_worker.keras_environment import tf

Granularity = Literal["channel", "layer"]

LARGEST_CODE = 127

_OFF_GRID = 1e-3  # of a scale: a weight is a code times a scale, rounded to float32 a few times


Bits = Literal[8, 4, 2, "ternary", 1]


@dataclass(frozen=True)
class WeightCodes:
    """The codes of a grid: all integers from the lowest to the largest, perhaps without zero."""

    lowest: int
    largest: int
    zero: bool = True

    @property
    def count(self) -> int:
        """Number of codes."""
        return self.largest - self.lowest + self.zero

    @property
    def magnitude(self) -> int:
        """Largest code without its sign."""
        return max(-self.lowest, self.largest)


CODES: Mapping[Bits, WeightCodes] = {
    8: WeightCodes(-LARGEST_CODE, LARGEST_CODE),
    4: WeightCodes(-7, 7),
    2: WeightCodes(-2, 1),  # with -1 to 1, a fourth of what two bits can tell apart would be unused
    "ternary": WeightCodes(-1, 1),
    1: WeightCodes(-1, 1, zero=False),
}

# Shares of the largest weight to try as a scale: with one positive code, it can be dozens of scales.
SHARES_FOR_ONE_CODE = np.geomspace(0.02, 1, 81)


def on_grid(weights: tf.Tensor, within_channel_axes: tuple[int, ...]) -> tf.Tensor:
    """Return the nearest points of the grid.

    Args:
        weights: Weights of any shape.
        within_channel_axes: Axes that share a scale; all axes for one scale per layer.

    Returns:
        The rounded weights, of the same shape.
    """
    scale = grid_scale(weights, within_channel_axes)
    # XLA would compile this for each shape of a kernel, a second or two for a network, and save a hundredth of a step.
    # Halves are rounded up, as in TensorFlow's own fake quantization.
    return tf.math.floor(tf.math.divide_no_nan(weights, scale) + 0.5) * scale


def grid_scale(weights: tf.Tensor, within_channel_axes: tuple[int, ...]) -> tf.Tensor:
    """Return the scale of weights that `on_grid` rounds, with the shared axes of size 1."""
    return tf.reduce_max(tf.abs(weights), within_channel_axes, keepdims=True) / LARGEST_CODE


def grid_scales(rows: npt.NDArray[np.float32], largest_code: int) -> npt.NDArray[np.float32]:
    """Return the largest scale of each row for which all its weights are codes; 1 for a row of zeros.

    Args:
        rows: Weights, ``(channels, weights)``.
        largest_code: The largest code, positive or negative.

    Raises:
        StepFailedError: A row does not lie on a grid of so many values.
    """
    largest = np.abs(rows).max(axis=1)
    scales = np.where(largest > 0, 0.0, 1.0)
    for code in range(1, largest_code + 1):
        candidates = largest / code
        codes = np.divide(rows, candidates[:, np.newaxis], out=np.zeros_like(rows), where=rows != 0)
        fits = (np.abs(codes - np.rint(codes)) < _OFF_GRID).all(axis=1)
        scales = np.where((scales == 0) & fits, candidates, scales)
    if not scales.all():
        raise StepFailedError(
            f"{np.count_nonzero(scales == 0)} of {len(scales)} channels do not lie on a grid of "
            f"{2 * largest_code + 1} values"
        )
    return scales.astype(np.float32)
