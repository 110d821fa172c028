"""Cost of removing channels of ResNet18: the graph surgery, and choosing channels against an epoch of the network.

1. The surgery finds the groups and builds the network without half of each group's channels. Its seconds are those of
   the processor, which other programs do not change.
2. Choosing channels is a round without its training: each criterion, and each way to divide the removal among layers.
   `thinet` and `knee` are measured, and have no limit.
3. An epoch has as many images as the blood cells of docs/results.md; it is measured by some of its steps, before and
   after each choice, because the load of the machine changes.
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from edgepress_common.spec import Model, PruneChannelsStage
from edgepress_worker.channels.groups import find_groups
from edgepress_worker.channels.importance import Batches
from edgepress_worker.channels.pruning import Round, prune_round
from edgepress_worker.channels.surgery import without_channels
from edgepress_worker.channels.targets import target_of
from edgepress_worker.keras_environment import keras, tf
from edgepress_worker.networks import build_network
from figures import Figure

_SIDE, _CLASSES, _BATCH = 64, 8, 64
_IMAGES = 4800
_STEPS = 3
_LIMIT_OF_SURGERY = 2.0
_LIMIT_OF_CHOICE = 1.0
_CHOICES = (
    ("l1", "uniform"),
    ("l2", "global"),
    ("fpgm", "uniform"),
    ("bn_scale", "global"),
    ("taylor", "global"),
    ("ising", "uniform"),
    ("l1", "sensitivity"),
    ("thinet", "uniform"),
    ("l1", "knee"),
)
_WITHOUT_LIMIT = {"thinet", "knee"}


def measure() -> Iterator[Figure]:
    """Seconds of the surgery, and of each choice relative to an epoch."""
    network = build_network(Model(architecture="resnet18"), image_size=_SIDE, classes=_CLASSES, downloads=Path())
    yield _surgery(network)
    trained = keras.models.clone_model(network)
    trained.compile(keras.optimizers.legacy.Adam(), "categorical_crossentropy")
    _epoch_seconds(trained)  # compiles
    for criterion, allocation in _CHOICES:
        before = _epoch_seconds(trained)
        seconds = _choice_seconds(network, criterion, allocation)
        epoch = statistics.mean((before, _epoch_seconds(trained)))
        has_limit = not _WITHOUT_LIMIT & {criterion, allocation}
        yield Figure(
            f"prune_channels, {criterion}, {allocation}: choice / epoch",
            seconds / epoch,
            "x",
            f"<= {_LIMIT_OF_CHOICE:g}" if has_limit else "",
            holds=not has_limit or seconds <= _LIMIT_OF_CHOICE * epoch,
            detail=f"{seconds:.1f} s, {epoch:.0f} an epoch of {_IMAGES:,} images",
        )


def _surgery(network: keras.Model) -> Figure:
    def operate() -> None:
        grouped = find_groups(network)
        kept = np.ones(grouped.unit_count, bool)
        for group in grouped.groups:
            if not group.fixed:
                kept[group.units[::2]] = False
        without_channels(network, grouped.flow, grouped.kept_channels(kept))

    times, clock = [], []
    for _ in range(3):
        began, on_clock = time.process_time(), time.perf_counter()
        operate()
        times.append(time.process_time() - began)
        clock.append(time.perf_counter() - on_clock)
    seconds, name = statistics.median(times), "prune_channels: graph surgery of resnet18"
    detail = f"{statistics.median(clock):.1f} s on the clock"
    return Figure(name, seconds, "s", f"<= {_LIMIT_OF_SURGERY:g}", seconds <= _LIMIT_OF_SURGERY, detail)


def _epoch_seconds(trained: keras.Model) -> float:
    times = []
    for pixels, labels in _batches(_BATCH * _STEPS):
        began = time.perf_counter()
        trained.train_on_batch(pixels, labels)
        times.append(time.perf_counter() - began)
    return statistics.median(times) * math.ceil(_IMAGES / _BATCH)


def _choice_seconds(network: keras.Model, criterion: str, allocation: str) -> float:
    stage = PruneChannelsStage.model_validate({"criterion": criterion, "allocation": allocation})
    target = target_of(stage, network, None)
    settings = Round(stage, target, target.budget(1), batches=_batches, images=_IMAGES, seed=0)
    began = time.perf_counter()
    prune_round(network, settings)
    return time.perf_counter() - began


def _batches(images: int) -> Batches:
    random = np.random.default_rng(0)
    for _ in range(max(1, images // _BATCH)):
        pixels = random.uniform(0, 255, (_BATCH, _SIDE, _SIDE, 3)).astype(np.float32)
        yield tf.constant(pixels), tf.one_hot(random.integers(0, _CLASSES, _BATCH), _CLASSES)
