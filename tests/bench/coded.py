"""Time to decode a coded file of 11 million weights, against its limit."""

from __future__ import annotations

import io
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np

from edgepress_common.bundle_files.decode import decode
from edgepress_common.spec import Model
from edgepress_common.steps import ExportStep
from edgepress_worker.exports import StoredNetwork, run_export
from edgepress_worker.keras_files import save_model
from edgepress_worker.networks import build_network
from edgepress_worker.pack import LabelledImages, Pack
from fakes.step_context import PlainContext
from figures import Figure

_SIDE, _CLASSES, _ROUNDS = 64, 8, 5
_LIMIT = 3.0


def measure() -> list[Figure]:
    """ResNet18 as int8, with normally distributed weights: those of trained networks have a lower entropy."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        random = np.random.default_rng(0)
        pixels = random.integers(0, 256, (100, _SIDE, _SIDE, 3), dtype=np.uint8)
        images = LabelledImages(pixels, np.arange(len(pixels)) % _CLASSES)
        pack = Pack(tuple(map(str, range(_CLASSES))), train=images, validation=images)
        network = build_network(Model(architecture="resnet18"), image_size=_SIDE, classes=_CLASSES, downloads=folder)
        for layer in network.layers:
            if hasattr(layer, "kernel"):
                layer.kernel.assign(random.normal(0, 0.02, layer.kernel.shape))
        save_model(network, folder / "model.h5")
        context = PlainContext(folder)
        step = ExportStep.model_validate({"export": {"kind": "int8"}, "seed": 0})
        outputs, result = run_export(step, pack, StoredNetwork(folder / "model.h5"), context)
        coded = context.store.local_path(outputs["coded"].sha256).read_bytes()
    seconds = statistics.median(_seconds(coded) for _ in range(_ROUNDS))
    detail = f"{result.size_bytes / 1e6:.2f} MB from {len(coded) / 1e6:.2f} MB, one thread"
    return [Figure("decode of 11 M weights, ResNet18 int8", seconds, "s", f"<= {_LIMIT:g}", seconds <= _LIMIT, detail)]


def _seconds(coded: bytes) -> float:
    start = time.perf_counter()
    decode(io.BytesIO(coded), io.BytesIO())
    return time.perf_counter() - start
