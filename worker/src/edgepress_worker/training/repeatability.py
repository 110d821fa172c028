"""The same step gives the same bytes: every source of chance starts from the step's seed.

What is drawn with numpy (order, augmentation) is seeded where it is drawn. Here are the rest: initial weights, and the
layers that draw while they train, such as Dropout.
"""

import numpy as np

from edgepress_worker.keras_environment import keras, tf


def begin_repeatable(seed: int) -> None:
    """Puts the process into the state that a new one would be in; to be called before a stage builds or loads a model.

    Drops what earlier steps left in Keras (layer names count up otherwise, and are part of a model's file), seeds all
    generators, and makes TensorFlow choose kernels that add up in a fixed order: on CPU at no cost that could be seen
    (ResNet18, 2 cores), on GPUs at some.
    """
    keras.backend.clear_session()
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()
    keras.backend.experimental.enable_tf_random_generator()  # so that `reseed_layers` finds generators to seed


def reseed_layers(model: keras.Model, seed: int, epoch: int) -> None:
    """Seeds the layers that draw, from seed and epoch alone: an epoch is the same in a training that was resumed."""
    drawing = [layer for layer in model.submodules if isinstance(layer, keras.__internal__.layers.BaseRandomLayer)]
    for position, layer in enumerate(drawing):
        generator = layer._random_generator._generator  # noqa: SLF001 - Keras saves it nowhere and shows it nobody
        if generator is not None:
            (state,) = np.random.SeedSequence([seed, epoch, position]).generate_state(1)
            generator.reset_from_seed(int(state))
