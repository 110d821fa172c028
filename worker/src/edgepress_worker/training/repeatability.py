"""Repeatable steps: all randomness derives from the step's seed, so that the same step results in the same bytes.

Modules that draw random numbers with numpy (order, augmentation) seed them. This module seeds the rest: initial
weights, and layers that draw during training, such as Dropout.
"""

import numpy as np

from edgepress_worker.keras_environment import keras, tf


def begin_repeatable(seed: int) -> None:
    """Reset the process to the state of a new one; call it before a stage creates or loads a model.

    It removes the Keras state of earlier steps (otherwise, layer names are numbered on, and they are part of a model's
    file), seeds all generators, and makes TensorFlow choose kernels with a fixed order of summation: without a
    measurable cost on CPU (ResNet18, 2 cores), with some cost on GPUs.
    """
    keras.backend.clear_session()
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()
    keras.backend.experimental.enable_tf_random_generator()  # creates the generators that `reseed_layers` seeds


def reseed_layers(model: keras.Model, seed: int, epoch: int) -> None:
    """Seed the random layers from seed and epoch alone, so that a resumed training has the same epochs."""
    drawing = [layer for layer in model.submodules if isinstance(layer, keras.__internal__.layers.BaseRandomLayer)]
    for position, layer in enumerate(drawing):
        generator = layer._random_generator._generator  # noqa: SLF001 - Keras does not save it, and has no public API
        if generator is not None:
            (state,) = np.random.SeedSequence([seed, epoch, position]).generate_state(1)
            generator.reset_from_seed(int(state))
