"""Verification of a stage's promises against the weights that it passes on."""

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from edgepress_common.errors import BrokenPromiseError, StepFailedError
from edgepress_common.promises import LayerPromise
from edgepress_worker.compression.block_codebooks import hashed_means, hashed_places
from edgepress_worker.compression.blocks import BlockLayout, unique_rows
from edgepress_worker.compression.grids import LARGEST_CODE, grid_scales
from edgepress_worker.compression.kernels import Kernel, KernelValues
from edgepress_worker.compression.masks import pattern_mask
from edgepress_worker.keras_environment import keras, tf

# A weight on the grid is its code times the scale, rounded once: at most 127 half units in the last place off.
_OFF_GRID = 1e-4


def by_layer(promises: Iterable[LayerPromise]) -> dict[str, LayerPromise]:
    """Return the promises by layer name."""
    return {promise.layer: promise for promise in promises}


def check_kernels(kernels: Sequence[Kernel], promises: Sequence[LayerPromise]) -> None:
    """Verify the promises about kernels.

    Raises:
        BrokenPromiseError: A kernel does not have a promised property, because of this stage or its input.
    """
    by_name = {kernel.layer: kernel for kernel in kernels}
    for promise in promises:
        problem = _first_problem(by_name[promise.layer], promise)
        if problem is not None:
            raise BrokenPromiseError(f"{promise.layer}: {problem}")


def _first_problem(kernel: Kernel, promise: LayerPromise) -> str | None:
    weights = keras.backend.get_value(kernel.variable)
    zeros = np.count_nonzero(weights == 0) / weights.size
    if promise.sparsity is not None and zeros < promise.sparsity - 1 / weights.size:
        return f"{zeros:.2%} of its weights are zero; {promise.sparsity:.2%} were promised"
    if promise.pattern is not None:
        broken = _groups_with_too_few_zeros(weights, promise.pattern)
        if broken:
            return f"{broken} groups of its weights have fewer zeros than the pattern {promise.pattern} promises"
    if promise.clusters is not None and (problem := _not_shared(weights, promise.clusters, promise)) is not None:
        return problem
    if promise.largest_code is not None:
        rows = np.moveaxis(weights.reshape(*weights.shape[: -len(kernel.channel_axes)], -1), -1, 0)
        try:
            grid_scales(rows.reshape(len(rows), -1), promise.largest_code)
        except StepFailedError as error:
            return str(error)
    if promise.grid is not None:
        axes = kernel.within_channel_axes if promise.grid == "channel" else None
        off = _off_grid(weights, axes)
        if off > _OFF_GRID:
            return f"its weights are up to {off:.2g} scales off int8's grid"
    return None


def _not_shared(weights: KernelValues, clusters: int, promise: LayerPromise) -> str | None:
    if promise.hashed:
        off = np.count_nonzero(weights != hashed_means(weights, clusters)[hashed_places(weights.shape, clusters)])
        return f"{off} of its weights differ from others with the same hash" if off else None
    if promise.block != "weight":
        rows = BlockLayout(weights.shape, promise.block).rows(tf.constant(weights))
        unique, what = unique_rows(rows.numpy()), "blocks"
    else:
        unique, what = _unique(weights, per_channel=promise.clusters_per_channel), "weights"
    place = "an output channel has" if promise.clusters_per_channel else "it has"
    return f"{place} {unique} different {what}; at most {clusters} were promised" if unique > clusters else None


def _unique(weights: npt.NDArray[np.float32], *, per_channel: bool) -> int:
    if not per_channel:
        return len(np.unique(weights))
    channels = np.sort(weights.reshape(-1, weights.shape[-1]), axis=0)
    return int((1 + np.count_nonzero(np.diff(channels, axis=0), axis=0)).max())


def _groups_with_too_few_zeros(weights: npt.NDArray[np.float32], pattern: str) -> int:
    """Return the number of weights that the pattern should remove but that are not zero; 0 if all groups fit."""
    zeros, group = map(int, pattern.split(":"))
    return int(np.count_nonzero(weights[pattern_mask(weights, zeros, group) == 0]))


def _off_grid(weights: npt.NDArray[np.float32], axes: tuple[int, ...] | None) -> float:
    scale = np.abs(weights).max(axis=axes, keepdims=True) / LARGEST_CODE
    codes = np.divide(weights, scale, out=np.zeros_like(weights), where=scale > 0)
    return float(np.abs(codes - np.rint(codes)).max())
