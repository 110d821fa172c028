"""Quantization-aware training that keeps zeros and shared values of earlier stages: QAT, PQAT, CQAT, PCQAT.

1. A range is inserted after each layer whose output int8 rounds, see `quantization.placement`. It follows the values
   that occur, or is trained, see `quantization.learned_range`; a network with ranges of the first kind is passed on.
2. The weights of the kernels are rounded to int8's grid at every step, see `compression.grids`; masks and codebooks of
   earlier stages are applied before the grid. A kernel with one set of shared values has one scale, so that it has
   equally few codes; other kernels have one scale per output channel, which may be learned, with codes of 8 bits or
   fewer, see `compression.learned_grids`.
3. Normalizations are trained without change. TFLite's converter folds a normalization after a convolution into the
   scales; a normalization elsewhere (which TFMOT rejects) becomes a multiplication and an addition in int8.

TFMOT rounds weights inside the forward pass, channel by channel. Its combined schemes have one quantizer for all
convolutions, so that one convolution without zeros disables the preservation of zeros for all. Here, each kernel has
its own.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from edgepress_common.promises import LayerPromise
from edgepress_common.spec import QuantizeAwareStage
from edgepress_common.spec.calibration import CalibrationSettings
from edgepress_common.steps import StageStep
from edgepress_worker.compression.codebooks import Codebook
from edgepress_worker.compression.compressed_kernel import CompressedKernel
from edgepress_worker.compression.grids import CODES, Granularity
from edgepress_worker.compression.kernels import KERNEL_KINDS, Kernel, find_kernels, select
from edgepress_worker.compression.learned_grids import LearnedGrid, initial_scales
from edgepress_worker.context import StepContext
from edgepress_worker.keras_environment import keras
from edgepress_worker.keras_files import load_model
from edgepress_worker.methods.fine_tuning import KeptKernel, carry, load_source, rate_of, train_masters
from edgepress_worker.methods.method import Compressed, Material, MethodRunner
from edgepress_worker.quantization.post_training import PostTraining
from edgepress_worker.quantization.weight_grids import WeightGrid
from edgepress_worker.quantization.with_ranges import with_found_ranges, with_learned_ranges, with_ranges
from edgepress_worker.training import in_training_precision
from edgepress_worker.training.batch_norm import momentum_for
from edgepress_worker.training.batches import steps_per_epoch

_RANGE_IMAGES, _RANGE_BATCH = 256, 16  # twice what exports calibrate with by default, in batches as there


def quantize_aware(parameters: StageStep, material: Material, context: StepContext) -> Compressed:
    """See `MethodRunner`."""
    stage = parameters.stage
    assert isinstance(stage, QuantizeAwareStage)
    network = _with_ranges(stage, parameters, material)
    kernels = find_kernels(network)
    chosen = {kernel.layer for kernel in select(kernels, stage.layers, KERNEL_KINDS)}
    carried = carry(
        kernels,
        material.promises,
        keep_zeros=bool(stage.preserve_sparsity),
        keep_clusters=bool(stage.preserve_clusters),
    )
    rated = {
        kernel.layer: kernel for kernel in kernels if kernel.layer in chosen and _has_few_codes(carried[kernel.layer])
    }
    rate = rate_of(stage.entropy_weight, rated.values())
    compressed, promises = [], []
    for kernel in kernels:
        kept = carried[kernel.layer]
        grid = _grid(kept.promise) if kernel.layer in chosen else None
        learned = _learned_grid(stage, kernel) if grid is not None and kept.codebook is None else None
        said = {"grid": grid} if learned is None else _few_values(learned, pruned=kept.mask is not None)
        promises.append(kept.promise.model_copy(update=said))
        if kept.compressed or grid is not None:
            damping = stage.damping if kernel.kind == "depthwise_conv2d" and grid is not None else 0.0
            compressed.append(
                CompressedKernel(
                    kernel,
                    mask=kept.mask,
                    codebook=kept.codebook,
                    grid=learned or grid,
                    damping=damping,
                    rate=rate if kernel.layer in rated else 0.0,
                )
            )
    made = train_masters(network, compressed, parameters, material, context, promises=promises)
    return replace(made, model=with_found_ranges(made.model)) if stage.activations == "learned" else made


def _with_ranges(stage: QuantizeAwareStage, parameters: StageStep, material: Material) -> keras.Model:
    """Return the input network with ranges; learned ones begin as those with the smallest error for some images."""
    assert material.source is not None
    if stage.activations == "observed":
        steps = steps_per_epoch(len(material.pack.train), parameters.training.batch_size)
        # The momentum of ranges is that of BatchNorm's statistics, for the same reason.
        return with_ranges(load_source(parameters, material), momentum_for("auto", steps))
    images, seed = material.pack.train.images, parameters.training.seed
    chosen = np.random.default_rng(seed).permutation(len(images))[:_RANGE_IMAGES]

    def batches() -> Iterator[npt.NDArray[np.float32]]:
        for first in range(0, len(chosen), _RANGE_BATCH):
            yield images[np.sort(chosen[first : first + _RANGE_BATCH])].astype(np.float32)

    search = PostTraining(CalibrationSettings(ranges="mse"), lambda _kernel: WeightGrid(), batches, seed)
    begun = search.with_found_ranges(load_model(material.source))
    return in_training_precision(with_learned_ranges(begun), parameters.training)


def _has_few_codes(kept: KeptKernel) -> bool:
    """Return whether single weights of a kernel have codes that all its channels share."""
    return kept.codebook is None or (isinstance(kept.codebook, Codebook) and not kept.promise.clusters_per_channel)


def _grid(promise: LayerPromise) -> Granularity:
    return "layer" if promise.clusters is not None and not promise.clusters_per_channel else "channel"


def _learned_grid(stage: QuantizeAwareStage, kernel: Kernel) -> LearnedGrid | None:
    """Return the grid of a kernel with learned scales; None for a depthwise kernel, which keeps 8 bits."""
    if stage.scales != "learned" or kernel.kind == "depthwise_conv2d":
        return None
    codes = CODES[stage.bits]
    return LearnedGrid(kernel, initial_scales(kernel, codes), codes)


def _few_values(grid: LearnedGrid, *, pruned: bool) -> dict[str, object]:
    """Return what is promised of the weights on a grid; pruned weights are zero even if no code is."""
    largest = grid.codes.magnitude
    count = grid.codes.count + (pruned and not grid.codes.zero)
    few = {"clusters": count, "clusters_per_channel": True} if count < 2 * largest + 1 else {}
    return {"largest_code": largest, **few}


RUNNER: MethodRunner = quantize_aware
