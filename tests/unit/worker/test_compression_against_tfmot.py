"""Pruning and clustering equal TFMOT's, weight for weight, on a small network."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edgepress_common.spec import ConstantSchedule, PolynomialSchedule

pytestmark = pytest.mark.slow

STEPS, BATCH = 7, 16


def network() -> Any:
    """A convolution and a dense layer; the same weights each time."""
    from edgepress_worker.keras_environment import keras

    keras.backend.clear_session()
    keras.utils.set_random_seed(3)
    image = keras.Input((6, 6, 3))
    flow = keras.layers.Conv2D(8, 3, use_bias=False, name="conv")(image)
    flow = keras.layers.ReLU(name="relu")(flow)
    flow = keras.layers.GlobalAveragePooling2D(name="pooled")(flow)
    flow = keras.layers.Dense(4, name="dense")(flow)
    return keras.Model(image, keras.layers.Activation("softmax", name="softmax")(flow))


def batches() -> Any:
    """The steps' images and labels."""
    from edgepress_worker.keras_environment import tf

    random = np.random.default_rng(4)
    images = random.normal(size=(STEPS * BATCH, 6, 6, 3)).astype(np.float32)
    labels = np.eye(4, dtype=np.float32)[random.integers(0, 4, STEPS * BATCH)]
    return tf.data.Dataset.from_tensor_slices((images, labels)).batch(BATCH)


def fitted(model: Any, *, adam: bool = False, callbacks: Any = ()) -> Any:
    """The model after the steps."""
    from edgepress_worker.compression.compressed_model import CompressedModel
    from edgepress_worker.keras_environment import keras

    optimizer = keras.optimizers.legacy.Adam(0.01) if adam else keras.optimizers.legacy.SGD(0.1)
    model.compile(optimizer, loss="categorical_crossentropy", metrics=["accuracy"])
    model.fit(batches(), verbose=0, callbacks=[*callbacks])
    if isinstance(model, CompressedModel):
        model.project()
    return model


def assert_equal_weights(ours: Any, theirs: Any) -> None:
    """All of them, to float32's rounding."""
    for mine, its in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(mine, its, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("adam", [False, True])
@pytest.mark.parametrize(
    "schedule",
    [
        ConstantSchedule(final_sparsity=0.5, end=1.0, frequency=2),
        PolynomialSchedule(initial_sparsity=0.2, final_sparsity=0.8, end=1.0, frequency=2),
    ],
    ids=lambda schedule: schedule.kind,
)
def test_pruning_is_tfmots(schedule: Any, *, adam: bool) -> None:
    """The same masks at the same steps, the same weights afterwards."""
    import tensorflow_model_optimization as tfmot

    from edgepress_worker.compression.compressed_kernel import CompressedKernel
    from edgepress_worker.compression.compressed_model import CompressedModel
    from edgepress_worker.compression.kernels import find_kernels
    from edgepress_worker.methods.prune import ChooseMasks, MaskChoice, tfmot_schedule

    wrapped = tfmot.sparsity.keras.prune_low_magnitude(network(), pruning_schedule=tfmot_schedule(schedule, STEPS))
    fitted(wrapped, adam=adam, callbacks=[tfmot.sparsity.keras.UpdatePruningStep()])
    theirs = tfmot.sparsity.keras.strip_pruning(wrapped)

    ours = network()
    kernels = [
        CompressedKernel(kernel, mask=np.ones(kernel.variable.shape, np.float32), mask_is_final=False)
        for kernel in find_kernels(ours)
    ]
    choice = MaskChoice(schedule, kernels, steps=STEPS)
    choice.choose(step=1)
    model = CompressedModel(ours, kernels)
    fitted(model, adam=adam, callbacks=[ChooseMasks(choice, model)])
    # XLA compiles what is called from two traces twice, which takes seconds for the kernels of a network.
    assert model.project.experimental_get_tracing_count() == 1
    assert_equal_weights(ours, theirs)
    kernel = ours.get_layer("conv").get_weights()[0]
    assert np.count_nonzero(kernel == 0) == round(schedule.final_sparsity * kernel.size)


@pytest.mark.parametrize("adam", [False, True])
@pytest.mark.parametrize(
    ("centroids", "theirs"),
    [("linear", "LINEAR"), ("density", "DENSITY_BASED"), ("kmeans_plus_plus", "KMEANS_PLUS_PLUS")],
)
def test_clustering_is_tfmots(centroids: Any, theirs: str, *, adam: bool) -> None:
    """The same values, given to the same weights."""
    import tensorflow_model_optimization as tfmot

    from edgepress_worker.compression.codebooks import Codebook, first_centroids
    from edgepress_worker.compression.compressed_kernel import CompressedKernel
    from edgepress_worker.compression.compressed_model import CompressedModel
    from edgepress_worker.compression.kernels import find_kernels

    start = tfmot.clustering.keras.CentroidInitialization[theirs]
    wrapped = tfmot.clustering.keras.cluster_weights(network(), number_of_clusters=6, cluster_centroids_init=start)
    fitted(wrapped, adam=adam)
    wrapped(np.zeros((1, 6, 6, 3), np.float32))  # TFMOT makes the weights from the last step's values when it is called
    expected = tfmot.clustering.keras.strip_clustering(wrapped)

    ours = network()
    kernels = []
    for kernel in find_kernels(ours):
        weights = kernel.variable.numpy()
        first = first_centroids(weights, 6, centroids, per_channel=False, keep_zeros=False)
        kernels.append(CompressedKernel(kernel, codebook=Codebook(kernel.layer, first, weights.shape)))
    fitted(CompressedModel(ours, kernels), adam=adam)
    assert_equal_weights(ours, expected)
    assert len(np.unique(ours.get_layer("conv").get_weights()[0])) <= 6


def test_clustering_of_a_pruned_network_is_tfmots() -> None:
    """With zeros preserved, the zero centroid stays zero, and zero weights stay zero."""
    from tensorflow_model_optimization.python.core.clustering.keras.experimental import cluster as experimental

    from edgepress_worker.compression.codebooks import Codebook, first_centroids
    from edgepress_worker.compression.compressed_kernel import CompressedKernel
    from edgepress_worker.compression.compressed_model import CompressedModel
    from edgepress_worker.compression.kernels import find_kernels
    from edgepress_worker.compression.masks import magnitude_mask

    def pruned() -> Any:
        model = network()
        for kernel in find_kernels(model):
            weights = kernel.variable.numpy()
            kernel.variable.assign(weights * magnitude_mask(weights, 0.5))
        return model

    import tensorflow_model_optimization as tfmot

    start = tfmot.clustering.keras.CentroidInitialization.LINEAR
    wrapped = experimental.cluster_weights(
        pruned(), number_of_clusters=6, cluster_centroids_init=start, preserve_sparsity=True
    )
    fitted(wrapped)
    wrapped(np.zeros((1, 6, 6, 3), np.float32))
    theirs = tfmot.clustering.keras.strip_clustering(wrapped)

    ours, kernels = pruned(), []
    for kernel in find_kernels(ours):
        weights = kernel.variable.numpy()
        first = first_centroids(weights, 6, "linear", per_channel=False, keep_zeros=True)
        book = Codebook(kernel.layer, first, weights.shape, pinned=first == 0)
        kernels.append(CompressedKernel(kernel, mask=(weights != 0).astype(np.float32), codebook=book))
    fitted(CompressedModel(ours, kernels))
    assert_equal_weights(ours, theirs)
    assert np.mean(ours.get_layer("conv").get_weights()[0] == 0) >= 0.5


@pytest.mark.parametrize("shape", [(3, 3, 5, 7), (12, 5)])
def test_the_grid_is_fake_quantizations(shape: tuple[int, ...]) -> None:
    """Rounding per channel equals TensorFlow's operator, which TFMOT uses."""
    from edgepress_worker.compression.grids import on_grid
    from edgepress_worker.keras_environment import tf

    weights = np.random.default_rng(2).normal(size=shape).astype(np.float32)
    largest = np.abs(weights).max(axis=tuple(range(len(shape) - 1)))
    theirs = tf.quantization.fake_quant_with_min_max_vars_per_channel(weights, -largest, largest, narrow_range=True)
    ours = on_grid(tf.constant(weights), tuple(range(len(shape) - 1)))
    np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)
