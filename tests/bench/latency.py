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
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
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
CLASSES, IMAGES = 8, 16
_PASSES = 30
_LIMIT = 0.05


@dataclass(frozen=True)
class Built:
    """A network, and the work of its operators."""

    title: str
    side: int
    model: keras.Model
    work: Work


def measure() -> Iterator[Figure]:
    """Median relative error over 20 files that the model has not seen."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        found = sampled(folder, _SEEN + _UNSEEN)
        for number, each in enumerate(found):
            export(folder, f"{each.side} {number}", each, _KINDS)
        measured = passes(folder)
    errors = []
    for kind in _KINDS:
        networks = [
            MeasuredNetwork(each.work, measured[f"{each.side} {number} {kind}"]) for number, each in enumerate(found)
        ]
        model = fit(networks[:_SEEN])
        for each, unseen in zip(found[_SEEN:], networks[_SEEN:], strict=True):
            predicted = model.predict(unseen.work)
            assert predicted is not None
            errors.append(abs(predicted / unseen.latency_ms - 1))
            words = f"  {kind:8} {each.title}: {unseen.latency_ms:.3f} ms, predicted {predicted:.3f} ms"
            print(words, file=sys.stderr)  # noqa: T201 - for a look at each
    error = statistics.median(errors)
    detail = f"90 % of {len(errors)} files below {100 * np.quantile(errors, 0.9):.1f} %"
    yield Figure("latency model: median error, unseen files", error, "", f"<= {_LIMIT:g}", error <= _LIMIT, detail)


def sampled(folder: Path, count: int) -> list[Built]:
    """Return the first networks of a random order; see the module."""
    space = [(name, *rest) for name, widths in _NETWORKS.items() for rest in product(widths, _SIDES, _KEEP)]
    random.Random(_SEED).shuffle(space)
    made = (built(folder, *network) for network in space)
    return list(itertools.islice((each for each in made if each is not None), count))


def built(folder: Path, architecture: str, width: float, side: int, keep: float = 1) -> Built | None:
    """Return an untrained network; None if it can't be so narrow."""
    keras.backend.clear_session()
    model = Model.model_validate({"architecture": architecture, "width": width})
    step = StageStep(stage=ProbeStage(keep_macs=keep), model=model, training=Training(batch_size=IMAGES))
    title = f"{architecture} {width:g} {side} {keep:g}"
    context = PlainContext(folder / title)
    images = images_of(side)
    pack = Pack(tuple(map(str, range(CLASSES))), images, images)
    made = probe(step, Material(pack=pack, source=None, downloads=folder), context)
    work = made.work_by_keep.get(f"{keep:g}")
    return None if work is None else Built(title, side, made.model, work)


def images_of(side: int) -> LabelledImages:
    """Return random images."""
    pixels = np.random.default_rng(0).integers(0, 256, (IMAGES, side, side, 3), dtype=np.uint8)
    return LabelledImages(pixels, np.arange(IMAGES) % CLASSES)


def export(folder: Path, name: str, network: Built, kinds: Sequence[str]) -> None:
    """Write the files of a network."""
    images, context = images_of(network.side), PlainContext(folder / network.title)
    material = ExportMaterial(network.model, network.side, (), Calibration(images, 0, context), images, context)
    for kind in kinds:
        parameters: Any = EXPORTS[kind].parameters(kind=kind)
        (folder / f"{name} {kind}.tflite").write_bytes(EXPORTERS[kind](parameters, material).content)


def passes(folder: Path) -> dict[str, float]:
    """Return the latency of the files of a folder in milliseconds, by name."""
    command = [sys.executable, str(Path(__file__).with_name("latency_passes.py")), str(folder), str(_PASSES)]
    found: dict[str, float] = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)
    return found
