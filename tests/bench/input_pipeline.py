"""Cost of reading images from a mapped pack: epochs from the pack against epochs from tensors in memory."""

from __future__ import annotations

import tempfile
from itertools import count
from pathlib import Path

import numpy as np

from edgepress_common.spec import Augmentation, Model, Training
from edgepress_worker.keras_environment import tf
from edgepress_worker.networks import build_network
from edgepress_worker.pack import LabelledImages
from edgepress_worker.training.batches import training_batches
from edgepress_worker.training.optimizer import make_optimizer
from figures import Figure, in_turn

_SIDE, _BATCH, _BATCHES, _CLASSES = 64, 32, 10, 10
_LIMIT = 0.95


def measure() -> list[Figure]:
    """Measure ResNet18 at 64x64, without augmentation and with every kind of it."""
    every = Augmentation(horizontal_flip=True, vertical_flip=True, rotation_degrees=180)
    return [
        _speed_kept("training from a pack / from memory", Augmentation()),
        _speed_kept("... with flips and rotation / from memory without", every),
    ]


def _speed_kept(name: str, augmentation: Augmentation) -> Figure:
    images = _BATCH * _BATCHES
    settings = Training(epochs=100, batch_size=_BATCH, augmentation=augmentation)
    pixels = np.random.default_rng(0).integers(0, 256, (images, _SIDE, _SIDE, 3), dtype=np.uint8)
    labels = np.arange(images) % _CLASSES
    network = Model(architecture="resnet18")
    with tempfile.TemporaryDirectory() as folder:
        model = build_network(network, image_size=_SIDE, classes=_CLASSES, downloads=Path(folder))
        optimizer = make_optimizer(settings, steps_per_epoch=_BATCHES, loss_scaling=False)
        model.compile(optimizer, "categorical_crossentropy", metrics=["accuracy"])
        np.save(f"{folder}/images.npy", pixels)
        mapped = LabelledImages(np.load(f"{folder}/images.npy", mmap_mode="r"), labels)
        tensors = (pixels.astype(np.float32), tf.one_hot(labels, _CLASSES), np.ones(images, np.float32))
        in_memory = tf.data.Dataset.from_tensor_slices(tensors).batch(_BATCH).prefetch(2)
        epochs = count()
        from_memory, from_pack = in_turn(
            lambda: model.fit(in_memory, verbose=0),
            lambda: model.fit(training_batches(mapped, _CLASSES, settings, next(epochs)), verbose=0),
            rounds=5,
        )
    kept = from_memory / from_pack
    detail = f"{images / from_pack:.0f} images/s from the pack, {images / from_memory:.0f} from memory"
    return Figure(name, kept, "x", f">= {_LIMIT:g}", kept >= _LIMIT, detail)
