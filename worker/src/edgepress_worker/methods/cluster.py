"""Weight clustering: all weights of a kernel share a few values; values and assignments are trained.

1. Each selected kernel gets a codebook, initialized by TFMOT's initializers. If a pruned kernel keeps its zeros, one
   value is zero and stays zero.
2. The masters are trained straight through the codebook; the gradient of a value is the sum over its weights.

See `compression.codebooks`, and `compression.block_codebooks` for blocks and hashed values. A kernel with no more
weights or blocks than its codebook has is not changed.
"""

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from edgepress_common.promises import LayerPromise
from edgepress_common.spec import ClusterStage
from edgepress_common.steps import StageStep
from edgepress_worker.compression.block_codebooks import BlockCodebook, HashedCodebook, first_blocks, hashed_means
from edgepress_worker.compression.blocks import BlockLayout
from edgepress_worker.compression.codebooks import Codebook, first_centroids
from edgepress_worker.compression.compressed_kernel import CompressedKernel
from edgepress_worker.compression.kernels import SHARED_OR_ZERO, Kernel, find_kernels, select
from edgepress_worker.context import StepContext
from edgepress_worker.keras_environment import keras
from edgepress_worker.methods.fine_tuning import KeptKernel, carry, load_source, rate_of, train_masters
from edgepress_worker.methods.method import Compressed, Material, MethodRunner


def cluster(parameters: StageStep, material: Material, context: StepContext) -> Compressed:
    """See `MethodRunner`."""
    stage = parameters.stage
    assert isinstance(stage, ClusterStage)
    network = load_source(parameters, material)
    kernels = find_kernels(network)
    chosen = {kernel.layer for kernel in select(kernels, stage.layers, SHARED_OR_ZERO)}
    carried = carry(kernels, material.promises, keep_zeros=bool(stage.preserve_sparsity), keep_clusters=True)

    def start(kernel: Kernel) -> KeptKernel:
        before, seed = carried[kernel.layer], parameters.training.seed
        return _clustered(kernel, before, stage, seed=seed) if kernel.layer in chosen else before

    # k-means++ takes seconds for a large kernel, and its random numbers are the same for each. Others share theirs.
    with ThreadPoolExecutor(os.cpu_count() if stage.centroids == "kmeans_plus_plus" else 1) as threads:
        kept = dict(zip((kernel.layer for kernel in kernels), threads.map(start, kernels), strict=True))
    rated = {
        kernel.layer: kernel
        for kernel in kernels
        if kernel.layer in chosen and isinstance(kept[kernel.layer].codebook, Codebook)
    }
    rate = rate_of(stage.entropy_weight, rated.values())
    compressed = [
        CompressedKernel(
            kernel,
            mask=kept[kernel.layer].mask,
            codebook=kept[kernel.layer].codebook,
            rate=rate if kernel.layer in rated else 0.0,
        )
        for kernel in kernels
        if kept[kernel.layer].compressed
    ]
    promises = [kept[kernel.layer].promise for kernel in kernels]
    return train_masters(network, compressed, parameters, material, context, promises=promises)


def _clustered(kernel: Kernel, kept: KeptKernel, stage: ClusterStage, *, seed: int) -> KeptKernel:
    weights = keras.backend.get_value(kernel.variable)
    if stage.centroids == "hashed":
        if weights.size <= stage.clusters:
            return kept
        promise = LayerPromise(layer=kernel.layer, clusters=stage.clusters, hashed=True)
        return KeptKernel(
            promise, None, HashedCodebook(kernel.layer, hashed_means(weights, stage.clusters), weights.shape)
        )
    layout = BlockLayout(weights.shape, stage.block)
    if layout.length > 1:
        return _with_blocks(kernel, kept, layout, stage.clusters, seed)
    if stage.block != "weight":
        return kept
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


def _with_blocks(kernel: Kernel, kept: KeptKernel, layout: BlockLayout, clusters: int, seed: int) -> KeptKernel:
    weights = keras.backend.get_value(kernel.variable)
    if weights.size // layout.length <= clusters:
        return kept
    codebook = BlockCodebook(kernel.layer, first_blocks(weights, clusters, layout, seed), layout)
    return KeptKernel(LayerPromise(layer=kernel.layer, clusters=clusters, block=layout.block), None, codebook)


RUNNER: MethodRunner = cluster
