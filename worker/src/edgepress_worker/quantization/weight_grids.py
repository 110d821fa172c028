"""The codes and scales of weights that are quantized after training.

With 8 bits, the scale is the largest absolute weight divided by 127, as the converter chooses it. With fewer bits, a
few large weights would leave too few codes for the others: the scale is the one with the smallest squared error, of 40
between a quarter of that scale and the scale itself (Nagel et al. 2021, arXiv:2106.08295, section 3.1).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edgepress_worker.compression.grids import CODES, SHARES_FOR_ONE_CODE, Bits

Values = npt.NDArray[np.float32]

_CANDIDATES = 40
_SMALLEST_SHARE = 0.25


@dataclass(frozen=True)
class WeightGrid:
    """How the weights of a layer are rounded.

    Attributes:
        bits: Bits of a code; the codes are those of `compression.grids`.
        per_channel: Whether each output channel has its own scale.
    """

    bits: Bits = 8
    per_channel: bool = True

    @property
    def codes(self) -> tuple[int, int]:
        """The lowest and the largest code."""
        codes = CODES[self.bits]
        return codes.lowest, codes.largest

    def scales(self, kernel: Values, within_channel_axes: Sequence[int]) -> Values:
        """Return the scales of a kernel, broadcastable to it; 1 where all weights are zero.

        Args:
            kernel: Weights of any shape.
            within_channel_axes: Axes that do not count output channels.
        """
        axes = tuple(within_channel_axes) if self.per_channel else tuple(range(kernel.ndim))
        largest = np.abs(kernel).max(axis=axes, keepdims=True) / self.codes[1]
        whole = np.where(largest > 0, largest, 1.0).astype(np.float32)
        if self.bits == 8:  # noqa: PLR2004 - see the module
            return whole
        # The last ones are for weights that lie on such a grid already, and do not use its largest codes.
        unused = self.codes[1] / np.arange(1, 1 - self.codes[0])
        tried = np.linspace(_SMALLEST_SHARE, 1, _CANDIDATES) if self.codes[1] > 1 else SHARES_FOR_ONE_CODE
        shares = np.concatenate([tried, unused])
        errors = [
            ((self.rounded(kernel, whole * share) - kernel) ** 2).sum(axis=axes, keepdims=True) for share in shares
        ]
        return (whole * shares[np.argmin(errors, axis=0)]).astype(np.float32)

    def rounded(self, kernel: Values, scales: Values) -> Values:
        """Return the nearest values of the grid."""
        return np.asarray(np.clip(np.rint(kernel / scales), *self.codes) * scales, np.float32)
