"""A kernel that is trained under constraints, with a separate master.

The weights of the kernel are computed from the master in this order; each part is optional:

1. the mask: multiplication by 0 or 1
2. the codebook: the nearest shared value or block, or a value that a hash assigns
3. the grid: the nearest multiple of int8's scale, or of a learned scale

All three preserve zeros: the codebook of a pruned kernel contains zero, and zero is on the grid. Gradients pass
straight through codebook and grid.

A master near the middle between two codes can jump back and forth at each step, most of all in depthwise kernels, whose
few weights have large gradients. Damping adds d sum((master - weight)^2) to the loss, which pulls each master to its
code (Nagel et al. 2022, Overcoming Oscillations in Quantization-Aware Training, arXiv:2203.11086, section 4.1).

A rate adds an estimate of the coded size to the loss, see `entropy`; it moves masters, and learned scales.
"""

from edgepress_worker.compression.block_codebooks import BlockCodebook, HashedCodebook
from edgepress_worker.compression.codebooks import Codebook
from edgepress_worker.compression.entropy import entropy_bits, entropy_slopes, places_among, soft_histogram
from edgepress_worker.compression.grids import LARGEST_CODE, Granularity, grid_scale, on_grid
from edgepress_worker.compression.kernels import Kernel
from edgepress_worker.compression.learned_grids import LearnedGrid
from edgepress_worker.keras_environment import tf


class CompressedKernel(tf.Module):
    """A kernel with at least one of mask, codebook and grid.

    Args:
        kernel: The kernel; its weights are the initial values of the master.
        mask: 1 for weights that are kept and 0 for zeros, in the shape of the kernel.
        mask_is_final: Whether the mask never changes. Weights under a final mask have no gradient; otherwise they keep
            it, so that a removed weight can return when the mask is selected again.
        codebook: Shared values.
        grid: Whether int8's scale applies per channel or per layer; or a grid with learned scales, without a codebook.
        damping: The factor d of the damping; needs a grid.
        rate: Factor of the rate: the loss grows by it for each bit of all weights of the kernel together. Needs a grid,
            or a codebook with one set of single values.
    """

    def __init__(
        self,
        kernel: Kernel,
        *,
        mask: tf.Tensor | None = None,
        mask_is_final: bool = True,
        codebook: Codebook | BlockCodebook | HashedCodebook | None = None,
        grid: Granularity | LearnedGrid | None = None,
        damping: float = 0.0,
        rate: float = 0.0,
    ) -> None:
        super().__init__()
        self.kernel = kernel
        self.mask = None if mask is None else tf.Variable(mask, trainable=False, name=f"{kernel.layer}/mask")
        self.codebook = codebook
        self._mask_is_final = mask_is_final
        self._grid = grid
        self._damping = damping
        self._rate = rate
        # A mask alone can be applied in place, without a separate master, and hashed values have no masters.
        in_place = (codebook is None and grid is None) or isinstance(codebook, HashedCodebook)
        self.master = kernel.variable if in_place else tf.Variable(kernel.variable, name=f"{kernel.layer}/master")

    @property
    def trained(self) -> list[tf.Variable]:
        """The variables that the optimizer updates instead of the kernel."""
        if isinstance(self._grid, LearnedGrid):
            return [self.master, self._grid.logarithms]
        if isinstance(self.codebook, HashedCodebook):
            return [self.codebook.centroids]
        return [self.master] if self.codebook is None else [self.master, self.codebook.centroids]

    @property
    def has_rate(self) -> bool:
        """Whether the loss includes its rate."""
        return self._rate > 0

    def gradients(self, of_weights: tf.Tensor) -> list[tf.Tensor]:
        """Return the gradients of `trained`, given that of the kernel's weights."""
        if isinstance(self.codebook, HashedCodebook):
            return [self.codebook.gradient(of_weights)]
        of_masters, *others = self._straight_through(of_weights)
        if self._damping:
            # The kernel has the weights of this step: the optimizer has not moved its master yet.
            of_masters = of_masters + 2 * self._damping * (self.master - self.kernel.variable)
        if self._rate:
            places, slopes, codes = self._places()
            of_rate = self._rate * slopes * entropy_slopes(places, soft_histogram(places, codes))
            of_masters = of_masters + of_rate
            if isinstance(self._grid, LearnedGrid):
                others = [others[0] + self._grid.scale_gradient(self._masked(), of_rate)]
        if self.mask is not None and self._mask_is_final:
            of_masters = of_masters * self.mask
        return [of_masters, *others]

    def _straight_through(self, of_weights: tf.Tensor) -> list[tf.Tensor]:
        if self.mask is not None and self._mask_is_final:
            of_weights = of_weights * self.mask
        if isinstance(self._grid, LearnedGrid):
            return list(self._grid.gradients(self._masked(), of_weights))
        return [of_weights] if self.codebook is None else [of_weights, self.codebook.gradient(of_weights)]

    def coded_bits(self) -> tf.Tensor:
        """Return an estimate of the bits that the codes of all weights take, see `entropy`."""
        places, _, codes = self._places()
        return entropy_bits(soft_histogram(places, codes))

    def _places(self) -> tuple[tf.Tensor, tf.Tensor, int]:
        """Return the places of masters among the codes, how fast they change with the master, and the codes' number."""
        masters = self._masked()
        if isinstance(self._grid, LearnedGrid):
            return *self._grid.places(masters), self._grid.codes.count
        if self.codebook is not None:
            return *places_among(masters, self.codebook.centroids[0]), self.codebook.centroids.shape[1]
        scale = grid_scale(masters, self._axes_of_scale)
        slopes = tf.broadcast_to(tf.math.divide_no_nan(1.0, scale), masters.shape)
        return tf.math.divide_no_nan(masters, scale) + LARGEST_CODE, slopes, 2 * LARGEST_CODE + 1

    @property
    def _axes_of_scale(self) -> tuple[int, ...]:
        if self._grid == "channel":
            return self.kernel.within_channel_axes
        return tuple(range(len(self.kernel.variable.shape)))

    def _masked(self) -> tf.Tensor:
        return tf.convert_to_tensor(self.master) if self.mask is None else self.master * self.mask

    def project(self) -> None:
        """Compute the kernel's weights from the master."""
        self.kernel.variable.assign(self._rounded(self._masked()))

    def _rounded(self, masters: tf.Tensor) -> tf.Tensor:
        if isinstance(self._grid, LearnedGrid):
            weights = self._grid.rounded(masters)
            return weights if self.mask is None else weights * self.mask  # one bit has no code for zero
        if isinstance(self.codebook, BlockCodebook | HashedCodebook):
            shared = (
                self.codebook.look_up() if isinstance(self.codebook, HashedCodebook) else self.codebook.look_up(masters)
            )
            return shared if self._grid is None else on_grid(shared, self._axes_of_scale)
        if self.codebook is not None:
            # Rounding the few values rounds all weights: with a scale per channel, there is a book per channel.
            centroids = tf.convert_to_tensor(self.codebook.centroids)
            return self.codebook.look_up(masters, centroids if self._grid is None else on_grid(centroids, (1,)))
        if self._grid is not None:
            return on_grid(masters, self._axes_of_scale)
        return masters
