"""Weight clustering: all weights of a kernel share a few values; values and assignments are trained.

1. Each selected kernel gets a codebook, initialized by TFMOT's initializers. If a pruned kernel keeps its zeros, one
   value is zero and stays zero.
2. The masters are trained straight through the codebook; the gradient of a value is the sum over its weights.

See `compression.codebooks`. A kernel with no more weights than values in a codebook is not changed.
"""

import numpy as np

from edgepress_common.promises import LayerPromise
from edgepress_common.spec import ClusterStage
from edgepress_common.steps import StageStep
from edgepress_worker.compression.codebooks import Codebook, first_centroids
from edgepress_worker.compression.compressed_kernel import CompressedKernel
from edgepress_worker.compression.kernels import SHARED_OR_ZERO, Kernel, find_kernels, select
from edgepress_worker.context import StepContext
from edgepress_worker.keras_environment import keras
from edgepress_worker.methods.fine_tuning import KeptKernel, carry, load_source, train_masters
from edgepress_worker.methods.method import Compressed, Material, MethodRunner


def cluster(parameters: StageStep, material: Material, context: StepContext) -> Compressed:
    """See `MethodRunner`."""
    stage = parameters.stage
    assert isinstance(stage, ClusterStage)
    network = load_source(parameters, material)
    kernels = find_kernels(network)
    chosen = {kernel.layer for kernel in select(kernels, stage.layers, SHARED_OR_ZERO)}
    carried = carry(kernels, material.promises, keep_zeros=bool(stage.preserve_sparsity), keep_clusters=True)
    compressed, promises = [], []
    for kernel in kernels:
        kept = carried[kernel.layer]
        if kernel.layer in chosen:
            kept = _clustered(kernel, kept, stage)
        promises.append(kept.promise)
        if kept.compressed:
            compressed.append(CompressedKernel(kernel, mask=kept.mask, codebook=kept.codebook))
    return train_masters(network, compressed, parameters, material, context, promises=promises)


def _clustered(kernel: Kernel, kept: KeptKernel, stage: ClusterStage) -> KeptKernel:
    weights = keras.backend.get_value(kernel.variable)
    weights_per_book = weights.size // (weights.shape[-1] if stage.per_channel else 1)
    if weights_per_book <= stage.clusters:
        return kept
    centroids = first_centroids(
        weights,
        stage.clusters,
        stage.centroids,
        per_channel=stage.per_channel,
        keep_zeros=kept.mask is not None,
    )
    pinned = np.equal(centroids, 0) if kept.mask is not None else None
    return KeptKernel(
        LayerPromise(
            layer=kernel.layer,
            sparsity=kept.promise.sparsity,
            pattern=kept.promise.pattern,
            clusters=stage.clusters,
            clusters_per_channel=stage.per_channel,
        ),
        kept.mask,
        Codebook(kernel.layer, centroids, weights.shape, pinned=pinned),
    )


RUNNER: MethodRunner = cluster
