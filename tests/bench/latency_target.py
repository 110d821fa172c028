"""How near a network comes to the latency that `prune_channels` had as its target, measured on this machine.

1. A latency model is fitted on 24 untrained networks in int8, as `latency` does.
2. ResNet18 and MobileNetV2 are pruned to shares of their predicted latency, without training: latency does not depend
   on the weights.
3. The files are measured, and their latency is divided by the target.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from edgepress_api.latency_model.model import LatencyModel
from edgepress_api.latency_model.samples import MeasuredFile
from edgepress_common.latency_table import LatencyTable
from edgepress_common.spec.methods.prune_channels import PruneChannelsStage
from edgepress_worker.channels.importance import Batches
from edgepress_worker.channels.pruning import Round, prune_round
from edgepress_worker.channels.targets import target_of
from edgepress_worker.keras_environment import tf
from edgepress_worker.operator_work import operator_work
from figures import Figure
from latency import CLASSES, Built, built, export, images_of, passes, sampled

_NETWORKS = (("resnet18", 1.0), ("resnet18", 0.5), ("mobilenet_v2", 1.0))
_SHARES = (0.7, 0.45)
_SIDE, _SEEN = 64, 24
_KIND = "int8"
_LIMIT = 0.1  # of the ratio from 1


def measure() -> Iterator[Figure]:
    """Median distance of measured latencies from their targets."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        table = _model(folder / "seen")
        pruned = folder / "pruned"
        pruned.mkdir()
        targets: dict[str, tuple[str, float]] = {}
        for network in _NETWORKS:
            for share in _SHARES:
                whole = built(folder, *network, _SIDE)
                assert whole is not None
                made, ms = _pruned(whole, share, table)
                file = f"{_SIDE} {len(targets)}"
                targets[f"{file} {_KIND}"] = (f"{whole.title} to {share:.0%}", ms)
                export(pruned, file, made, (_KIND,))
        measured = passes(pruned)
    ratios = []
    for file, (title, ms) in targets.items():
        ratios.append(measured[file] / ms)
        words = f"  {title}: target {ms:.3f} ms, measured {measured[file]:.3f} ms"
        print(words, file=sys.stderr)  # noqa: T201 - for a look at each
    error = statistics.median(abs(ratio - 1) for ratio in ratios)
    detail = f"measured / target from {min(ratios):.2f} to {max(ratios):.2f}"
    yield Figure("prune_channels to a latency: median error", error, "", f"<= {_LIMIT:g}", error <= _LIMIT, detail)


def _model(folder: Path) -> LatencyTable:
    folder.mkdir()
    found = sampled(folder, _SEEN)
    for number, each in enumerate(found):
        export(folder, f"{each.side} {number}", each, (_KIND,))
    measured = passes(folder)
    model = LatencyModel.fitted(
        [
            MeasuredFile(
                device="this",
                runtime="this",
                processor="this",
                export=_KIND,
                work=each.work,
                latency_ms={1: measured[f"{each.side} {number} {_KIND}"]},
                is_probe=True,
            )
            for number, each in enumerate(found)
        ]
    )
    assert model is not None
    return model.table(_KIND, (1,))


def _pruned(whole: Built, share: float, table: LatencyTable) -> tuple[Built, float]:
    """Return a network that is pruned to a share of its predicted latency, and the target in milliseconds."""
    predicted = table.predict(whole.work)
    assert predicted is not None
    ms = share * predicted.ms
    stage = PruneChannelsStage.model_validate({"target": {"latency": {"device": "this", "ms": ms}}})
    target = target_of(stage, whole.model, table)

    def batches(_images: int) -> Batches:
        images = images_of(whole.side)
        yield tf.constant(images.images, tf.float32), tf.one_hot(images.labels, CLASSES)

    settings = Round(stage, target, target.budget(1), batches=batches, images=len(images_of(whole.side).labels), seed=0)
    narrow = prune_round(whole.model, settings)
    return Built(f"{whole.title} {share:g}", whole.side, narrow, operator_work(narrow)), ms
