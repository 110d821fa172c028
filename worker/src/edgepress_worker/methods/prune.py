"""Magnitude pruning: the smallest weights of each kernel become zero while the others are trained.

1. At the intervals of the schedule, each kernel's mask is selected again from its weights.
2. Before every step, the weights are multiplied by the mask: a removed weight starts each step at zero. The selection
   uses the weights after the latest step, so that a removed weight can return.

The schedules and the results are TFMOT's, weight for weight, which a test verifies. TFMOT applies masks inside the
forward pass and sorts all weights; this implementation applies masks once per step and uses a selection algorithm.
"""

from collections.abc import Sequence
from typing import assert_never

import numpy as np
import tensorflow_model_optimization as tfmot

from edgepress_common.promises import LayerPromise
from edgepress_common.spec import ConstantSchedule, PatternSchedule, PolynomialSchedule, PruneStage
from edgepress_common.spec.methods.prune import PruningSchedule
from edgepress_common.steps import StageStep
from edgepress_worker.compression.compressed_kernel import CompressedKernel
from edgepress_worker.compression.compressed_model import CompressedModel
from edgepress_worker.compression.kernels import SHARED_OR_ZERO, Kernel, KernelValues, find_kernels, select
from edgepress_worker.compression.masks import kernel_mask, magnitude_mask, pattern_mask
from edgepress_worker.context import StepContext
from edgepress_worker.keras_environment import keras
from edgepress_worker.methods.fine_tuning import KeptKernel, carry, load_source, train_masters
from edgepress_worker.methods.method import Compressed, Material, MethodRunner
from edgepress_worker.training.batches import steps_per_epoch


def prune(parameters: StageStep, material: Material, context: StepContext) -> Compressed:
    """See `MethodRunner`."""
    stage = parameters.stage
    assert isinstance(stage, PruneStage)
    network = load_source(parameters, material)
    kernels = find_kernels(network)
    chosen = {kernel.layer for kernel in select(kernels, stage.layers, SHARED_OR_ZERO)}
    # Zeros of an earlier pruning stay, and count towards the sparsity of a later one.
    carried = carry(kernels, material.promises, keep_zeros=True, keep_clusters=False)
    pruned = [_begin(kernel, carried[kernel.layer]) for kernel in kernels if kernel.layer in chosen]
    kept = [
        CompressedKernel(kernel, mask=carried[kernel.layer].mask)
        for kernel in kernels
        if kernel.layer not in chosen and carried[kernel.layer].compressed
    ]
    steps = parameters.training.epochs * steps_per_epoch(len(material.pack.train), parameters.training.batch_size)
    choice = MaskChoice(stage.schedule, pruned, steps=steps)
    choice.choose(step=1)
    before = [carried[kernel.layer].promise for kernel in kernels]
    promises = [_promise(promise, stage.schedule) if promise.layer in chosen else promise for promise in before]

    def callbacks(model: CompressedModel) -> Sequence[keras.callbacks.Callback]:
        return [ChooseMasks(choice, model)]

    return train_masters(
        network, [*pruned, *kept], parameters, material, context, promises=promises, callbacks=callbacks
    )


def _begin(kernel: Kernel, carried: KeptKernel) -> CompressedKernel:
    mask = np.ones(kernel.variable.shape, np.float32) if carried.mask is None else carried.mask
    return CompressedKernel(kernel, mask=mask, mask_is_final=False)


def _promise(before: LayerPromise, schedule: PruningSchedule) -> LayerPromise:
    match schedule:
        case ConstantSchedule() | PolynomialSchedule():
            sparsity = max(schedule.final_sparsity, before.sparsity or 0.0)
            return before.model_copy(update={"sparsity": sparsity, "pattern": None})
        case PatternSchedule():
            return before.model_copy(update={"pattern": schedule.pattern})
        case _ as unknown:
            assert_never(unknown)


class MaskChoice:
    """Selects masks according to a schedule.

    Args:
        schedule: Schedule of the spec.
        kernels: Kernels to select masks for; weights that their initial masks remove stay removed.
        steps: Number of steps of the entire stage.
    """

    def __init__(self, schedule: PruningSchedule, kernels: Sequence[CompressedKernel], *, steps: int) -> None:
        self._schedule = schedule
        self._kernels = kernels
        self._first_masks = [keras.backend.get_value(kernel.mask) for kernel in kernels]
        self._tfmot = tfmot_schedule(schedule, steps)

    def choose(self, step: int) -> None:
        """Select masks if the schedule has a selection at the start of this step, counted from 1."""
        is_time, sparsity = self._tfmot(step)
        if not bool(is_time):
            return
        for kernel, first in zip(self._kernels, self._first_masks, strict=True):
            mask = self._mask(keras.backend.get_value(kernel.master), float(sparsity))
            keras.backend.set_value(kernel.mask, mask * first)

    def _mask(self, weights: KernelValues, sparsity: float) -> KernelValues:
        if isinstance(self._schedule, PatternSchedule):
            return pattern_mask(weights, *self._schedule.zeros_of_group)
        mask = kernel_mask if self._schedule.unit == "kernel" else magnitude_mask
        return mask(weights, sparsity)


def tfmot_schedule(schedule: PruningSchedule, steps: int) -> tfmot.sparsity.keras.PruningSchedule:
    """Return TFMOT's schedule for a stage with this number of steps."""
    match schedule:
        case ConstantSchedule():
            first, last, frequency = _selection_steps(schedule.begin, schedule.end, schedule.frequency, steps)
            return tfmot.sparsity.keras.ConstantSparsity(schedule.final_sparsity, first, last, frequency)
        case PolynomialSchedule():
            first, last, frequency = _selection_steps(schedule.begin, schedule.end, schedule.frequency, steps)
            return tfmot.sparsity.keras.PolynomialDecay(
                schedule.initial_sparsity, schedule.final_sparsity, first, last, schedule.power, frequency
            )
        case PatternSchedule():
            return tfmot.sparsity.keras.ConstantSparsity(schedule.final_sparsity, 1, 1, 1)  # once, as TFMOT does
        case _ as unknown:
            assert_never(unknown)


def _selection_steps(begin: float, end: float, frequency: int, steps: int) -> tuple[int, int, int]:
    """Return the first and the last step with a selection, counted from 1 as in TFMOT, and the steps between two.

    TFMOT selects at the first step and every ``frequency`` steps from there. If the last step were not a multiple of
    ``frequency`` away, there would be no selection, and the final sparsity would not be reached.
    """
    first = min(1 + round(begin * steps), steps)  # at the latest before the last step, so that there is a selection
    span = max(1, min(round(end * steps), steps) - first)
    frequency = min(frequency, span)
    return first, first + span // frequency * frequency, frequency


class ChooseMasks(keras.callbacks.Callback):
    """Selects masks during a training, by the optimizer's step count, so that a resumed training continues equally.

    Args:
        choice: Schedule and kernels.
        model: The model in training.
    """

    def __init__(self, choice: MaskChoice, model: CompressedModel) -> None:
        super().__init__()
        self._choice = choice
        self._trained = model

    def on_train_batch_end(self, _batch: int, _logs: dict[str, float] | None = None) -> None:
        """Select before the next step, while removed weights still have the values of this step."""
        self._choice.choose(step=int(self._trained.optimizer.iterations) + 1)


RUNNER: MethodRunner = prune
