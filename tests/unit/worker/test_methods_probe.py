"""A probe builds a network without training it, and describes narrower ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgepress_common.results import StageResult
from edgepress_common.spec import Model
from edgepress_common.spec.methods.probe import ProbeStage
from edgepress_common.spec.training import Training
from edgepress_common.steps import StageStep
from edgepress_worker.keras_cost import layer_costs, macs
from edgepress_worker.keras_environment import keras
from edgepress_worker.keras_files import load_model
from edgepress_worker.methods import Material, run_stage
from edgepress_worker.networks import build_network
from edgepress_worker.operator_work import operator_work
from edgepress_worker.pack import LabelledImages, Pack
from fakes.step_context import PlainContext
from fakes.tiny_images import CLASSES, tiny_images

pytestmark = pytest.mark.slow

MODEL = Model(architecture="mobilenet", width=0.5)


def run(folder: Path, stage: ProbeStage) -> tuple[keras.Model, StageResult]:
    """Return the network of a probe, and the result of its stage."""
    pack = Pack(CLASSES, LabelledImages(*tiny_images(32)), LabelledImages(*tiny_images(12, seed=1)))
    context = PlainContext(folder)
    step = StageStep(stage=stage, model=MODEL, training=Training(seed=3))
    outputs, result = run_stage(step, Material(pack=pack, source=None, downloads=folder), context)
    return load_model(context.store.local_path(outputs["model"].sha256)), result


def test_a_probe_is_not_trained_and_describes_narrower_networks(tmp_path: Path) -> None:
    """A narrower probe has the operators that the probe of the whole network described."""
    whole, result = run(tmp_path / "whole", ProbeStage(described=(0.5, 0.6)))
    assert (result.epochs, set(result.work_by_keep)) == ((), {"1", "0.5", "0.6"})
    assert result.work_by_keep["1"] == operator_work(whole)
    side = whole.input_shape[1]
    plain = build_network(MODEL, image_size=side, classes=len(CLASSES), downloads=tmp_path)
    assert macs(layer_costs(whole)) == macs(layer_costs(plain))
    narrow, described = run(tmp_path / "narrow", ProbeStage(keep_macs=0.5))
    assert described.work_by_keep["0.5"] == operator_work(narrow) == result.work_by_keep["0.5"]
    assert macs(layer_costs(narrow)) <= 0.5 * macs(layer_costs(whole))
    assert any(np.any(weights) for weights in narrow.get_weights())


def test_a_network_that_can_not_be_so_narrow_is_measured_as_it_is(tmp_path: Path) -> None:
    """Its share is not described: a trial of that share would fail."""
    network, result = run(tmp_path, ProbeStage(keep_macs=0.001))
    assert set(result.work_by_keep) == {"1"}
    assert result.work_by_keep["1"] == operator_work(network)
