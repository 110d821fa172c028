"""Overhead of an evaluation: a timed pass against a bare loop, calibration, and agreement of repeated measurements.

The loop gets its images ready-made as tensors; the pass reads them from a file, converts them and keeps every latency.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from edgepress_common.spec import ExportKind, Model
from edgepress_common.steps import ExportStep
from edgepress_worker.exports import StoredNetwork, run_export
from edgepress_worker.keras_files import save_model
from edgepress_worker.networks import build_network
from edgepress_worker.pack import LabelledImages, Pack
from fakes.step_context import PlainContext
from figures import Figure

_SIDE, _CLASSES, _IMAGES = 64, 8, 400
_LIMIT = 1.05
_MOST_CALIBRATION_SECONDS = 5
_MOST_DIFFERENCE = 0.03


def measure() -> list[Figure]:
    """ResNet18 at 64x64, random weights: the time is the same as with trained ones."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        random = np.random.default_rng(0)
        pixels = random.integers(0, 256, (_IMAGES, _SIDE, _SIDE, 3), dtype=np.uint8)
        labels = np.arange(_IMAGES) % _CLASSES
        np.save(folder / "images.npy", pixels)
        np.save(folder / "labels.npy", labels)
        network = build_network(Model(architecture="resnet18"), image_size=_SIDE, classes=_CLASSES, downloads=folder)
        save_model(network, folder / "model.h5")
        images = LabelledImages(pixels, labels)
        pack = Pack(tuple(map(str, range(_CLASSES))), train=images, validation=images)
        models: dict[ExportKind, Path] = {kind: _exported(kind, pack, folder) for kind in ("float32", "int8")}
        overheads = [_overhead(kind, model, folder) for kind, model in models.items()]
        return [*overheads, *_repeated(models["int8"], folder)]


def _exported(kind: ExportKind, pack: Pack, folder: Path) -> Path:
    context = PlainContext(folder / kind)
    step = ExportStep.model_validate({"export": {"kind": kind}, "seed": 0})
    outputs, _ = run_export(step, pack, StoredNetwork(folder / "model.h5"), context)
    return context.store.local_path(outputs["tflite"].sha256)


def _repeated(model: Path, folder: Path) -> list[Figure]:
    """Return the time of a calibration, and how much repeated measurements of a file differ: largest against median."""
    script = str(Path(__file__).with_name("repeated_runs.py"))
    found = json.loads(subprocess.run([sys.executable, script, model, folder], capture_output=True, check=True).stdout)
    figures = []
    for what, times in (("int8", found["medians_ms"]), ("reference file", found["references_ms"])):
        middle = statistics.median(times)
        difference = max(abs(each - middle) for each in times) / middle
        detail = ", ".join(f"{each:.3f}" for each in times) + " ms"
        name = f"repeated measurements against their median, {what}"
        holds = difference <= _MOST_DIFFERENCE
        figures.append(Figure(name, difference, "", f"<= {_MOST_DIFFERENCE:g}", holds, detail))
    seconds = found["seconds"]
    holds = seconds <= _MOST_CALIBRATION_SECONDS
    limit = f"<= {_MOST_CALIBRATION_SECONDS}"
    return [Figure("calibration of a device, one thread", seconds, "s", limit, holds, "once per start"), *figures]


def _overhead(kind: ExportKind, model: Path, folder: Path) -> Figure:
    # In a process without TensorFlow, as on a device: with its objects, collecting garbage beforehand takes long.
    measured = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("timed_pass.py")), model, folder], capture_output=True, check=True
    )
    evaluating, looping = json.loads(measured.stdout)
    ratio = evaluating / looping
    detail = f"{evaluating * 1e3:.3f} ms an image, {looping * 1e3:.3f} in the bare loop"
    name = f"evaluation / bare interpreter loop, {kind}"
    return Figure(name, ratio, "x", f"<= {_LIMIT:g}", ratio <= _LIMIT, detail)
