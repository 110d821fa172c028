"""Error of predicted latency on this machine, for networks that the latency model has not seen.

1. ResNet18 and MobileNetV2 at all widths up to 1 and five image sizes are the networks. 34 of them are drawn by a seed,
   and exported as float32 and int8 with initial weights.
2. A model is fitted on the files of 24 networks, as many as a search has probes, and predicts the 20 files of the
   others.
"""

from __future__ import annotations

import itertools
import json
import random
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from edgepress_api.latency_model.fitting import MeasuredNetwork, fit
from edgepress_api.latency_model.samples import Work
from edgepress_common.spec import EXPORTS, Model
from edgepress_common.spec.methods.probe import ProbeStage
from edgepress_common.spec.training import Training
from edgepress_common.steps import StageStep
from edgepress_worker.exports.calibration import Calibration
from edgepress_worker.exports.exporter import ExportMaterial
from edgepress_worker.exports.registry import EXPORTERS
from edgepress_worker.keras_environment import keras
from edgepress_worker.methods.method import Material
from edgepress_worker.methods.probe import probe
from edgepress_worker.pack import LabelledImages, Pack
from fakes.step_context import PlainContext
from figures import Figure

_NETWORKS = {"resnet18": (0.25, 0.5, 0.75, 1.0), "mobilenet_v2": (0.35, 0.5, 0.75, 1.0)}
_SIDES = (32, 48, 64, 80, 96)
_KEEP = (1.0,)
_KINDS = ("float32", "int8")
_SEEN, _UNSEEN, _SEED = 24, 10, 0
_CLASSES, _IMAGES = 8, 16
_PASSES = 30
_LIMIT = 0.05


def measure() -> Iterator[Figure]:
    """Median relative error over 20 files that the model has not seen."""
    space = [(name, *rest) for name, widths in _NETWORKS.items() for rest in product(widths, _SIDES, _KEEP)]
    random.Random(_SEED).shuffle(space)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        written = ((network, _write(folder, number, *network)) for number, network in enumerate(space))
        found = list(itertools.islice(((network, *each) for network, each in written if each), _SEEN + _UNSEEN))
        command = [sys.executable, str(Path(__file__).with_name("latency_passes.py")), name, str(_PASSES)]
        measured = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)
    errors = []
    for kind in _KINDS:
        networks = [MeasuredNetwork(work, measured[f"{file} {kind}"]) for _, file, work in found]
        model = fit(networks[:_SEEN])
        for (network, *_), unseen in zip(found[_SEEN:], networks[_SEEN:], strict=True):
            predicted = model.predict(unseen.work)
            assert predicted is not None
            errors.append(abs(predicted / unseen.latency_ms - 1))
            words = f"  {kind:8} {network}: {unseen.latency_ms:.3f} ms, predicted {predicted:.3f} ms"
            print(words, file=sys.stderr)  # noqa: T201 - for a look at each
    error = statistics.median(errors)
    detail = f"90 % of {len(errors)} files below {100 * np.quantile(errors, 0.9):.1f} %"
    yield Figure("latency model: median error, unseen files", error, "", f"<= {_LIMIT:g}", error <= _LIMIT, detail)


def _write(
    folder: Path, number: int, architecture: str, width: float, side: int, keep: float
) -> tuple[str, Work] | None:
    """Write a network's files; return their name and the work of its operators. None if it can't be so narrow."""
    keras.backend.clear_session()
    pixels = np.random.default_rng(0).integers(0, 256, (_IMAGES, side, side, 3), dtype=np.uint8)
    images = LabelledImages(pixels, np.arange(_IMAGES) % _CLASSES)
    pack = Pack(tuple(map(str, range(_CLASSES))), images, images)
    model = Model.model_validate({"architecture": architecture, "width": width})
    step = StageStep(stage=ProbeStage(keep_macs=keep), model=model, training=Training(batch_size=_IMAGES))
    context = PlainContext(folder / f"{number}")
    made = probe(step, Material(pack=pack, source=None, downloads=folder), context)
    if f"{keep:g}" not in made.work_by_keep:
        return None
    network, name = made.model, f"{side} {number}"
    material = ExportMaterial(network, side, (), Calibration(images, 0, context), images, context)
    for kind in _KINDS:
        parameters: Any = EXPORTS[kind].parameters(kind=kind)
        (folder / f"{name} {kind}.tflite").write_bytes(EXPORTERS[kind](parameters, material).content)
    return name, made.work_by_keep[f"{keep:g}"]
