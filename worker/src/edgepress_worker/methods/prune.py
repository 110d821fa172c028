"""Magnitude pruning: the smallest weights of each kernel become zero while the others train on.

1. Every so many steps, as the schedule has it, each kernel's mask is chosen anew from its weights.
2. Before every step the weights are multiplied by the mask: a weight that is out begins each step at zero. What the
   last step has made of it counts when masks are chosen, so it can come back.

The schedules are TFMOT's; so is what comes out, weight for weight, which a test holds. TFMOT masks inside the forward
pass and sorts all weights to choose, this masks once a step and selects.
"""

from collections.abc import Sequence
from typing import assert_never

import numpy as np
import tensorflow_model_optimization as tfmot

from edgepress_common.promises import LayerPromise
from edgepress_common.spec import ConstantSchedule, PatternSchedule, PolynomialSchedule, PruneStage
from edgepress_common.spec.stages import PruningSchedule
from edgepress_common.steps import StageStep
from edgepress_worker.compression.compressed_kernel import CompressedKernel
from edgepress_worker.compression.compressed_model import CompressedModel
from edgepress_worker.compression.kernels import SHARED_OR_ZERO, Kernel, find_kernels, select
from edgepress_worker.compression.masks import Weights, magnitude_mask, pattern_mask
from edgepress_worker.context import StepContext
from edgepress_worker.keras_environment import keras
from edgepress_worker.methods.fine_tuning import Carried, carry, load_source, train_masters
from edgepress_worker.methods.method import Compressed, Material
from edgepress_worker.training.batches import steps_per_epoch


def prune(parameters: StageStep, material: Material, context: StepContext) -> Compressed:
    """See `Method`."""
    stage = parameters.stage
    assert isinstance(stage, PruneStage)
    network = load_source(parameters, material)
    kernels = find_kernels(network)
    chosen = {kernel.layer for kernel in select(kernels, stage.layers, SHARED_OR_ZERO)}
    # Zeros of an earlier pruning stay, and count among the smallest weights of a later one.
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


def _begin(kernel: Kernel, carried: Carried) -> CompressedKernel:
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
    """When masks are chosen anew, and how.

    Args:
        schedule: The spec's.
        kernels: Whose masks; what the masks they begin with take out stays out.
        steps: Of the whole stage.
    """

    def __init__(self, schedule: PruningSchedule, kernels: Sequence[CompressedKernel], *, steps: int) -> None:
        self._schedule = schedule
        self._kernels = kernels
        self._first_masks = [keras.backend.get_value(kernel.mask) for kernel in kernels]
        self._tfmot = tfmot_schedule(schedule, steps)

    def choose(self, step: int) -> None:
        """Chooses masks if the schedule has this step, counted from 1, begin with a choice."""
        is_time, sparsity = self._tfmot(step)
        if not bool(is_time):
            return
        for kernel, first in zip(self._kernels, self._first_masks, strict=True):
            mask = self._mask(keras.backend.get_value(kernel.master), float(sparsity))
            keras.backend.set_value(kernel.mask, mask * first)

    def _mask(self, weights: Weights, sparsity: float) -> Weights:
        if isinstance(self._schedule, PatternSchedule):
            return pattern_mask(weights, *self._schedule.zeros_of_group)
        return magnitude_mask(weights, sparsity)


def tfmot_schedule(schedule: PruningSchedule, steps: int) -> tfmot.sparsity.keras.PruningSchedule:
    """TFMOT's schedule for a stage of so many steps."""
    match schedule:
        case ConstantSchedule():
            first, last, frequency = _turns(schedule.begin, schedule.end, schedule.frequency, steps)
            return tfmot.sparsity.keras.ConstantSparsity(schedule.final_sparsity, first, last, frequency)
        case PolynomialSchedule():
            first, last, frequency = _turns(schedule.begin, schedule.end, schedule.frequency, steps)
            return tfmot.sparsity.keras.PolynomialDecay(
                schedule.initial_sparsity, schedule.final_sparsity, first, last, schedule.power, frequency
            )
        case PatternSchedule():
            return tfmot.sparsity.keras.ConstantSparsity(schedule.final_sparsity, 1, 1, 1)  # once, as TFMOT does
        case _ as unknown:
            assert_never(unknown)


def _turns(begin: float, end: float, frequency: int, steps: int) -> tuple[int, int, int]:
    """First and last step at which masks are chosen, counted from 1 as TFMOT does, and the steps between two choices.

    TFMOT chooses at the first step and every ``frequency`` from there on: were the last no whole number of turns away,
    nothing would happen at it, and the final sparsity would not be reached.
    """
    first = min(1 + round(begin * steps), steps)  # at the latest before the last step, or there is no choice at all
    span = max(1, min(round(end * steps), steps) - first)
    frequency = min(frequency, span)
    return first, first + span // frequency * frequency, frequency


class ChooseMasks(keras.callbacks.Callback):
    """Chooses masks during a training, by the optimizer's count of steps, so that a resumed one goes on as it would.

    Args:
        choice: When and how.
        model: What is trained.
    """

    def __init__(self, choice: MaskChoice, model: CompressedModel) -> None:
        super().__init__()
        self._choice = choice
        self._trained = model

    def on_train_batch_end(self, _batch: int, _logs: dict[str, float] | None = None) -> None:
        """Before the next step, while the weights that are out still have what this one has made of them."""
        self._choice.choose(step=int(self._trained.optimizer.iterations) + 1)
