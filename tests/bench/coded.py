"""Time to decode a coded file of 11 million weights; lengths of coded sequences against their entropy and zip."""

from __future__ import annotations

import io
import statistics
import tempfile
import time
import zlib
from pathlib import Path

import numpy as np

from edgepress_common.bundle_files.decode import decode
from edgepress_common.spec import Model
from edgepress_common.steps import ExportStep
from edgepress_worker.coded.frequencies import entropy_bits
from edgepress_worker.coded.sequences import smallest
from edgepress_worker.exports import StoredNetwork, run_export
from edgepress_worker.keras_files import save_model
from edgepress_worker.networks import build_network
from edgepress_worker.pack import LabelledImages, Pack
from fakes.step_context import PlainContext
from figures import Figure

_SIDE, _CLASSES, _ROUNDS = 64, 8, 5
_LIMIT = 3.0
_MOST_TIMES_ENTROPY, _MOST_TIMES_ZIP = 1.05, 0.85


def measure() -> list[Figure]:
    """Return the time to decode, and the lengths of codes as networks have them after pruning and clustering."""
    return [_decoding(), *(figure for share in (0.5, 0.8, 0.9) for figure in _lengths(share))]


def _decoding() -> Figure:
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
    return Figure("decode of 11 M weights, ResNet18 int8", seconds, "s", f"<= {_LIMIT:g}", seconds <= _LIMIT, detail)


def _lengths(share: float) -> list[Figure]:
    """Half a million codes, of which a share is 0 and the others have a Laplace distribution over 16 values."""
    random = np.random.default_rng(1)
    drawn = np.clip(np.round(random.laplace(0, 2, 1 << 19)), -8, 7)
    codes = np.where(random.random(len(drawn)) < share, 0, drawn).astype(np.int8).view(np.uint8)
    entropy = entropy_bits(np.bincount(codes, minlength=256)) / 8
    coded, zipped = len(smallest(codes).write()), len(zlib.compress(codes.tobytes(), 6))
    detail = f"{len(codes)} bytes: {coded} coded, {zipped} deflated, entropy {entropy:.0f}"
    of = f"{share:.0%} zeros, 16 values"
    return [
        _ratio(f"coded / order-0 entropy, {of}", coded / entropy, _MOST_TIMES_ENTROPY, detail),
        _ratio(f"coded / deflate, {of}", coded / zipped, _MOST_TIMES_ZIP, detail),
    ]


def _ratio(name: str, ratio: float, most: float, detail: str) -> Figure:
    return Figure(name, ratio, "x", f"<= {most:g}", ratio <= most, detail)


def _seconds(coded: bytes) -> float:
    start = time.perf_counter()
    decode(io.BytesIO(coded), io.BytesIO())
    return time.perf_counter() - start
