"""Common steps of stages that continue training: load the network, keep its properties, train masters, verify."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from edgepress_common.promises import LayerPromise
from edgepress_common.steps import StageStep
from edgepress_worker.compression.block_codebooks import BlockCodebook, HashedCodebook, existing_blocks, hashed_means
from edgepress_worker.compression.blocks import BlockLayout
from edgepress_worker.compression.codebooks import Codebook, existing_centroids
from edgepress_worker.compression.compressed_kernel import CompressedKernel
from edgepress_worker.compression.compressed_model import CompressedModel
from edgepress_worker.compression.kernels import Kernel, KernelValues, find_kernels
from edgepress_worker.compression.promises import by_layer, check_kernels
from edgepress_worker.context import StepContext
from edgepress_worker.distillation.auxiliary import SupervisedLesson
from edgepress_worker.distillation.lesson import Lesson
from edgepress_worker.keras_environment import keras
from edgepress_worker.keras_files import load_model
from edgepress_worker.methods.method import Compressed, Material
from edgepress_worker.methods.teaching import prepare_lesson
from edgepress_worker.training import in_training_precision, train
from edgepress_worker.training.precision import in_float32


@dataclass(frozen=True)
class KeptKernel:
    """Properties from earlier stages that a kernel keeps, as parts of a `CompressedKernel`.

    Attributes:
        promise: The part of the earlier promise that stays true.
        mask: Mask of its zeros, if they are kept.
        codebook: Codebook of its shared values, if they are kept.
    """

    promise: LayerPromise
    mask: KernelValues | None = None
    codebook: Codebook | BlockCodebook | HashedCodebook | None = None

    @property
    def compressed(self) -> bool:
        """Whether the kernel keeps anything."""
        return self.mask is not None or self.codebook is not None


def load_source(parameters: StageStep, material: Material) -> keras.Model:
    """Return the input network, in the precision of the training."""
    assert material.source is not None
    return in_training_precision(load_model(material.source), parameters.training)


def carry(
    kernels: Sequence[Kernel], promises: Sequence[LayerPromise], *, keep_zeros: bool, keep_clusters: bool
) -> dict[str, KeptKernel]:
    """Return what each kernel keeps, by layer name."""
    promised = by_layer(promises)
    return {
        kernel.layer: _carried(kernel, promised.get(kernel.layer), keep_zeros=keep_zeros, keep_clusters=keep_clusters)
        for kernel in kernels
    }


def _carried(kernel: Kernel, promise: LayerPromise | None, *, keep_zeros: bool, keep_clusters: bool) -> KeptKernel:
    if promise is None:
        return KeptKernel(LayerPromise(layer=kernel.layer))
    weights = keras.backend.get_value(kernel.variable)
    has_zeros = keep_zeros and (promise.sparsity is not None or promise.pattern is not None)
    mask = (weights != 0).astype(np.float32) if has_zeros else None
    codebook: Codebook | BlockCodebook | HashedCodebook | None = None
    if keep_clusters and promise.clusters is not None and promise.hashed:
        codebook = HashedCodebook(kernel.layer, hashed_means(weights, promise.clusters), weights.shape)
    elif keep_clusters and promise.clusters is not None and promise.block != "weight":
        layout = BlockLayout(weights.shape, promise.block)
        codebook = BlockCodebook(kernel.layer, existing_blocks(weights, promise.clusters, layout), layout)
    elif keep_clusters and promise.clusters is not None:
        centroids = existing_centroids(weights, promise.clusters, per_channel=promise.clusters_per_channel)
        codebook = Codebook(kernel.layer, centroids, weights.shape, pinned=centroids == 0 if has_zeros else None)
    return KeptKernel(
        LayerPromise(
            layer=kernel.layer,
            sparsity=promise.sparsity if has_zeros else None,
            pattern=promise.pattern if has_zeros else None,
            clusters=None if codebook is None else promise.clusters,
            clusters_per_channel=codebook is not None and promise.clusters_per_channel,
            block="weight" if codebook is None else promise.block,
            hashed=codebook is not None and promise.hashed,
        ),
        mask,
        codebook,
    )


def rate_of(entropy_weight: float, kernels: Iterable[Kernel]) -> float:
    """Return the factor of each kernel's rate, so that the loss grows by the entropy weight times the bits per weight.

    Args:
        entropy_weight: The stage's parameter.
        kernels: All kernels that have a rate.
    """
    return entropy_weight / max(sum(kernel.variable.shape.num_elements() for kernel in kernels), 1)


def train_masters(
    network: keras.Model,
    compressed: Sequence[CompressedKernel],
    parameters: StageStep,
    material: Material,
    context: StepContext,
    *,
    promises: Sequence[LayerPromise] = (),
    callbacks: Callable[[CompressedModel], Sequence[keras.callbacks.Callback]] = lambda _: (),
    supervise: Callable[[Lesson | None], Lesson | SupervisedLesson | None] = lambda lesson: lesson,
) -> Compressed:
    """Train a network, with the stage's teachers if it has any, and verify the promises at the end.

    Args:
        network: The loaded network; it is trained in place.
        compressed: Its compressed kernels; none for a network that is trained as it is.
        parameters: Parameters of the stage.
        material: Inputs of the stage.
        context: Context of the attempt.
        promises: Promises to verify after the training.
        callbacks: Function that returns the callbacks of the method, given the model in training.
        supervise: Function that returns the lesson to train with, given that of the teachers.

    Raises:
        EdgepressError: The training failed; see `edgepress_common.errors`.
    """
    lesson, batches = prepare_lesson(network, parameters, material, context)
    model = CompressedModel(network, compressed, supervise(lesson))
    record = train(
        model,
        material.pack,
        parameters.training,
        context,
        callbacks=callbacks(model),
        batches=batches,
        project=model.project,
        bits_per_weight=model.bits_per_weight,
        began=material.began,
    )
    plain = in_float32(network)
    said = tuple(promise for promise in promises if promise != LayerPromise(layer=promise.layer))
    check_kernels(find_kernels(plain), said)
    return Compressed(plain, model.optimizer, record, promises=said, taught=lesson is not None)
