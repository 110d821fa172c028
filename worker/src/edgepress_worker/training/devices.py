"""Training on all devices that the worker has, by TensorFlow's `tf.distribute.MirroredStrategy`.

Each device has a copy of the network, and computes its share of each batch; the gradients are summed before each step.
The devices are the GPUs that are visible to the process, or without any its logical processors, of which there is one
unless TensorFlow was told otherwise.

A step is that of one device but for rounding, with two exceptions: BatchNormalization normalizes each image with the
others on the same device, and each device draws its own dropout. So the weights depend on the number of devices. With
the same number, a training is repeated bit for bit, also if it is interrupted.
"""

import functools
from collections.abc import Iterator
from contextlib import contextmanager

from edgepress_common.errors import InvalidInputError
from edgepress_common.spec.training import Training
from edgepress_worker.keras_environment import keras, tf
from edgepress_worker.training.batches import steps_per_epoch


@contextmanager
def on_devices(settings: Training, images: int) -> Iterator[int]:
    """Create networks and optimizers of the block on the devices of the training; return the number of devices.

    Args:
        settings: Settings of the training.
        images: Number of training images.

    Raises:
        InvalidInputError: There are more devices than images in the smallest batch.
    """
    devices = _device_names() if settings.devices == "all" else ()
    if len(devices) <= 1:
        yield 1
        return
    smallest = images // steps_per_epoch(images, settings.batch_size)
    if smallest < len(devices):
        raise InvalidInputError(
            f"training.batch_size is {settings.batch_size}, which makes batches of {smallest} images, and this worker "
            f"has {len(devices)} devices; accepted with devices: all: at least one image for each, or devices: one"
        )
    with _strategy(devices).scope():
        yield len(devices)


def merge_copies(model: keras.Model) -> None:
    """Give all devices the mean of the values that each has computed by itself: BatchNormalization's statistics.

    Otherwise, each device would validate with its own, and the network that is stored would be another one.
    """
    if model.distribute_strategy.num_replicas_in_sync > 1:
        for variable in model.non_trainable_variables:
            variable.assign(variable.read_value())


def _device_names() -> tuple[str, ...]:
    found = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    return tuple(device.name for device in found)


@functools.cache
def _strategy(devices: tuple[str, ...]) -> tf.distribute.Strategy:
    """Return the strategy of this process: the sums of a second one would have the names of those of the first."""
    return tf.distribute.MirroredStrategy(devices)
