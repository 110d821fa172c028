"""Fine-tuning: continues to train a network, and keeps its zeros and shared values.

With several networks as teachers, and each of them trained by all, this is ensemble compression (Sun et al. 2017,
Ensemble-Compression, arXiv:1606.00575).
"""

from edgepress_common.steps import StageStep
from edgepress_worker.compression.compressed_kernel import CompressedKernel
from edgepress_worker.compression.kernels import find_kernels
from edgepress_worker.context import StepContext
from edgepress_worker.methods.fine_tuning import carry, load_source, train_masters
from edgepress_worker.methods.method import Compressed, Material, MethodRunner


def fine_tune(parameters: StageStep, material: Material, context: StepContext) -> Compressed:
    """See `MethodRunner`."""
    network = load_source(parameters, material)
    kernels = find_kernels(network)
    carried = carry(kernels, material.promises, keep_zeros=True, keep_clusters=True)
    kept = [(kernel, carried[kernel.layer]) for kernel in kernels]
    compressed = [
        CompressedKernel(kernel, mask=each.mask, codebook=each.codebook) for kernel, each in kept if each.compressed
    ]
    promises = [each.promise for _, each in kept]
    return train_masters(network, compressed, parameters, material, context, promises=promises)


RUNNER: MethodRunner = fine_tune
