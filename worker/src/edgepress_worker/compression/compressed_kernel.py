"""A kernel that is trained under constraints: a master beside it, and what lies between the two.

From the master, the kernel's weights are made in this order, each part where there is one:

1. the mask: times 0 or 1
2. the codebook: the nearest shared value
3. the grid: the nearest multiple of int8's step

Zeros come through all three: a codebook of a pruned kernel has zero among its values, and zero is a point of the grid.
Gradients go back the other way, straight through codebook and grid.
"""

from edgepress_worker.compression.codebooks import Codebook
from edgepress_worker.compression.grids import Granularity, on_grid
from edgepress_worker.compression.kernels import Kernel
from edgepress_worker.keras_environment import tf


class CompressedKernel(tf.Module):
    """One kernel, with at least one of mask, codebook and grid.

    Args:
        kernel: Which; its weights are the master's first ones.
        mask: 1 where a weight stays and 0 where it is zero, of the kernel's shape.
        mask_is_final: Whether the mask stays as it is: weights under a final mask have no gradient, others keep theirs,
            so that a weight which was taken out can come back when the mask is chosen anew.
        codebook: Shared values.
        grid: Whether int8's step is the channel's or the layer's.
    """

    def __init__(
        self,
        kernel: Kernel,
        *,
        mask: tf.Tensor | None = None,
        mask_is_final: bool = True,
        codebook: Codebook | None = None,
        grid: Granularity | None = None,
    ) -> None:
        super().__init__()
        self.kernel = kernel
        self.mask = None if mask is None else tf.Variable(mask, trainable=False, name=f"{kernel.layer}/mask")
        self.codebook = codebook
        self._mask_is_final = mask_is_final
        self._grid = grid
        # A mask alone can be applied in place.
        in_place = codebook is None and grid is None
        self.master = kernel.variable if in_place else tf.Variable(kernel.variable, name=f"{kernel.layer}/master")

    @property
    def trained(self) -> list[tf.Variable]:
        """What the optimizer moves in place of the kernel."""
        return [self.master] if self.codebook is None else [self.master, self.codebook.centroids]

    def gradients(self, of_weights: tf.Tensor) -> list[tf.Tensor]:
        """The gradients of `trained`, given that of the kernel's weights."""
        if self.mask is not None and self._mask_is_final:
            of_weights = of_weights * self.mask
        return [of_weights] if self.codebook is None else [of_weights, self.codebook.gradient(of_weights)]

    def project(self) -> None:
        """Makes the kernel's weights from the master."""
        masters = tf.convert_to_tensor(self.master) if self.mask is None else self.master * self.mask
        self.kernel.variable.assign(self._rounded(masters))

    def _rounded(self, masters: tf.Tensor) -> tf.Tensor:
        if self.codebook is not None:
            # Rounding the few values rounds all weights: a step per channel has a book per channel.
            centroids = tf.convert_to_tensor(self.codebook.centroids)
            return self.codebook.look_up(masters, centroids if self._grid is None else on_grid(centroids, (1,)))
        if self._grid is not None:
            every_axis = tuple(range(len(masters.shape)))
            return on_grid(masters, self.kernel.within_channel_axes if self._grid == "channel" else every_axis)
        return masters
