"""The mathematics of pruning, clustering and quantization, on plain Keras networks.

Networks are never wrapped. Their kernels contain the values to export (zeros, shared values, rounded values). The
optimizer updates separate *masters*, and before each step the kernels are computed from the masters. TFMOT computes the
same with wrapper layers inside the forward pass; here, each weight is processed once or twice per step, outside of the
forward pass, and no wrappers have to be removed afterwards.

- `kernels`: finds the kernels of a network and applies layer selections
- `masks`, `codebooks`, `grids`: zeros, shared values, int8's rounding
- `compressed_kernel`: a kernel, its master, and the operations between them
- `compressed_model`: trains masters
- `promises`: verifies what a stage promises about its kernels
"""

# Must come before any import of TFMOT, which imports TensorFlow and thereby determines the Keras version.
import edgepress_worker.keras_environment  # noqa: F401
