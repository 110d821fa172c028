"""The mathematics of pruning, clustering and quantization, on plain Keras networks.

A network is never wrapped. Its kernels hold what they will be exported with (zeros, shared values, rounded values);
what the optimizer moves are *masters* beside them, and before each step the kernels are made from the masters anew.
TFMOT computes the same with layers around layers, inside the forward pass; here each weight is touched once or twice a
step, outside of it, and nothing has to be taken off afterwards.

- `kernels`: which weights there are, and which ones a selection means
- `masks`, `codebooks`, `grids`: zeros, shared values, int8's rounding
- `compressed_kernel`: a kernel, its master, and what lies between
- `compressed_model`: trains masters
- `promises`: what a stage says of its kernels, checked
"""

# Before anything here imports TFMOT, which imports TensorFlow, and thereby chooses the Keras.
import edgepress_worker.keras_environment  # noqa: F401
