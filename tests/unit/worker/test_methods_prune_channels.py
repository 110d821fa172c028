"""The stage ``prune_channels``: smaller networks, their training, and what their files promise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from edgepress_common.errors import BrokenPromiseError, InvalidInputError, StepCancelledError
from edgepress_common.spec import Model, Pipeline, Training
from edgepress_common.steps import ExportStep, StageStep
from edgepress_worker.exports import StoredNetwork, run_export
from edgepress_worker.keras_cost import layer_costs, macs, shape_of
from edgepress_worker.keras_files import load_model
from edgepress_worker.methods import Material, run_stage
from fakes.cancelling_context import CancellingContext
from fakes.preactivation_network import coloured_pack, trained_file
from fakes.step_context import PlainContext

if TYPE_CHECKING:
    from pathlib import Path

    from edgepress_common.promises import ShapePromise
    from edgepress_common.results import ExportResult, StageResult

pytestmark = pytest.mark.slow

PRUNE = {"kind": "prune_channels", "multiple_of": 4, "epochs": 2, "target": {"keep": 0.5}}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network that tells the classes apart."""
    return trained_file(tmp_path_factory.mktemp("trained"))


def step_of(**changes: Any) -> StageStep:
    stage = Pipeline.model_validate({"name": "p", "stages": [PRUNE | changes], "exports": ["int8"]}).stages[0]
    training = Training(epochs=changes.get("epochs", 2), batch_size=16, learning_rate=1e-3, seed=3)
    return StageStep(stage=stage, model=Model(architecture="resnet18"), training=training)


def run(source: Path, context: PlainContext, **changes: Any) -> tuple[Path, StageResult]:
    outputs, result = run_stage(
        step_of(**changes), Material(coloured_pack(), source, context.scratch, teachers=(source,)), context
    )
    return context.store.local_path(outputs["model"].sha256), result


def sizes(file: Path) -> dict[str, int]:
    return {cost.layer: cost.channels for cost in layer_costs(load_model(file))}


@pytest.mark.parametrize(
    ("criterion", "allocation"),
    [
        ("l2", "uniform"),
        ("fpgm", "global"),
        ("taylor", "global"),
        ("l1", "sensitivity"),
        ("random", "uniform"),
    ],
)
def test_network_is_within_its_budget(criterion: str, allocation: str, trained: Path, tmp_path: Path) -> None:
    """At most half of the MACs are kept, and each layer has a multiple of four channels."""
    file, result = run(trained, PlainContext(tmp_path), criterion=criterion, allocation=allocation, epochs=1)
    kept = macs(layer_costs(load_model(file))) / macs(layer_costs(load_model(trained)))
    assert 0.25 < kept <= 0.5
    assert all(count % 4 == 0 for layer, count in sizes(file).items() if layer != "classifier")
    assert result.parameters == load_model(file).count_params()


def test_knee_is_within_the_budget(trained: Path, tmp_path: Path) -> None:
    """It can be smaller than the target, and is the same each time."""
    found = [
        shape_of(load_model(run(trained, PlainContext(tmp_path / f"{n}"), criterion="ising", allocation="knee")[0]))
        for n in range(2)
    ]
    assert found[0] == found[1]
    assert found[0].macs <= 0.5 * macs(layer_costs(load_model(trained)))


@pytest.mark.parametrize("of", ["channels", "weights"])
def test_target_counts_what_it_names(of: str, trained: Path, tmp_path: Path) -> None:
    """Channels of all layers, or weights of all layers."""
    file, _ = run(trained, PlainContext(tmp_path), target={"of": of, "keep": 0.6}, multiple_of=1, epochs=1)
    before, after = (layer_costs(load_model(each)) for each in (trained, file))
    totals = [sum(getattr(cost, of) for cost in costs) for costs in (before, after)]
    assert 0.5 < totals[1] / totals[0] <= 0.6


def test_only_selected_layers_lose_channels(trained: Path, tmp_path: Path) -> None:
    """Normalizations are the criterion; the stream is excluded, and keeps its width."""
    layers = {"include": ["name:unit1_conv1", "name:conv0"]}
    file, result = run(
        trained, PlainContext(tmp_path), layers=layers, criterion="bn_scale", target={"keep": 0.6}, epochs=1
    )
    before, after = sizes(trained), sizes(file)
    (stream,) = (group for group in result.channel_groups if "unit1_sc" in group.layers)
    assert sorted(stream.layers) == ["unit1_conv2", "unit1_sc"]
    assert (stream.before, stream.after, stream.ties) == (16, 16, ("'add' adds them channel by channel",))
    (inner,) = (group for group in result.channel_groups if group.layers == ("unit1_conv1",))
    assert (inner.before, inner.after) == (16, after["unit1_conv1"])
    assert {layer for layer in before if after[layer] != before[layer]} <= {"unit1_conv1", "conv0"}
    assert after != before


@pytest.mark.parametrize("layers", ["name:unit1_conv1", "name:*"])
def test_next_layers_are_rescaled_for_thinet(layers: str, trained: Path, tmp_path: Path) -> None:
    """The inside of the unit is read by one convolution, the first convolution by two layers."""
    thinet: dict[str, Any] = {"criterion": "thinet", "epochs": 1, "target": {"keep": 0.8}}
    file, _ = run(trained, PlainContext(tmp_path), **thinet, layers={"include": [layers]})
    assert sum(sizes(file).values()) < sum(sizes(trained).values())


def test_target_below_the_floor_is_refused_with_the_nearest(trained: Path, tmp_path: Path) -> None:
    """The message names the target, the floor, and the least that can be kept."""
    with pytest.raises(InvalidInputError, match=r"keep is 0.05 of the macs, .* still need 0.\d+ with at least 12 chan"):
        run(trained, PlainContext(tmp_path), target={"keep": 0.05}, min_channels=12)


@pytest.mark.parametrize("stop_after", [1, 2])
def test_interrupted_stage_continues_bit_for_bit(stop_after: int, trained: Path, tmp_path: Path) -> None:
    """Two rounds of three epochs, stopped within the first or the second round, end with the same weights."""
    changes: dict[str, Any] = {"rounds": 2, "epochs": 3, "criterion": "taylor"}
    whole, result = run(trained, PlainContext(tmp_path / "whole"), **changes)
    stopped = CancellingContext(tmp_path / "stopped", lambda progress: progress.epoch == stop_after)
    with pytest.raises(StepCancelledError):
        run(trained, stopped, **changes)
    again = PlainContext(tmp_path / "stopped")
    resumed, resumed_result = run(trained, again, **changes)
    assert resumed_result.resumed_after_epochs == stop_after
    assert [epoch.epoch for epoch in resumed_result.epochs] == [epoch.epoch for epoch in result.epochs] == [1, 2, 3]
    for one, other in zip(load_model(whole).get_weights(), load_model(resumed).get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    assert [report.fraction for report in again.reports] == sorted(report.fraction for report in again.reports)
    assert again.reports[-1].fraction == 1


def test_slimming_comes_before_the_choice(trained: Path, tmp_path: Path) -> None:
    """It trains the whole network until factors are zero; an interrupted stage ends with the same weights."""
    changes: dict[str, Any] = {
        "criterion": "bn_scale", "allocation": "global", "epochs": 3, "target": {"keep": 0.7},
        "slimming": {"epochs": 2, "penalty": 50, "learning_rate": 0.01, "auxiliary_classifiers": 1},
    }  # fmt: skip
    file, result = run(trained, PlainContext(tmp_path / "whole"), **changes)
    assert len(result.epochs) == 3
    begun = load_model(tmp_path / "whole" / "scratch" / "round-1" / "reshaped.h5")
    assert macs(layer_costs(begun)) <= 0.7 * macs(layer_costs(load_model(trained)))
    with pytest.raises(StepCancelledError):
        run(trained, CancellingContext(tmp_path / "stopped", lambda progress: progress.epoch == 1), **changes)
    resumed, resumed_result = run(trained, PlainContext(tmp_path / "stopped"), **changes)
    assert resumed_result.resumed_after_epochs == 1
    for one, other in zip(load_model(file).get_weights(), load_model(resumed).get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_rounds_end_within_the_budget(trained: Path, tmp_path: Path) -> None:
    """The first round goes half of the way."""
    file, _ = run(trained, PlainContext(tmp_path), rounds=2, target={"keep": 0.36}, multiple_of=1)
    before = macs(layer_costs(load_model(trained)))
    first = macs(layer_costs(load_model(tmp_path / "scratch" / "round-1" / "reshaped.h5")))
    assert 0.5 < first / before <= 0.6
    assert 0.3 < macs(layer_costs(load_model(file))) / before <= 0.36


@pytest.mark.parametrize(
    ("stages", "kind"),
    [
        ((), "float32"),
        (({"kind": "prune"}, {"kind": "cluster"}, {"kind": "quantize_aware"}), "int8"),
    ],
)
def test_files_have_the_promised_shape(
    stages: tuple[dict[str, Any], ...], kind: Any, trained: Path, tmp_path: Path
) -> None:
    """Channels, MACs and weights are verified in the file, also after further stages; a wrong promise fails."""
    pipeline = Pipeline.model_validate({"name": "p", "stages": [PRUNE, *stages], "exports": ["int8"]})
    material = Material(coloured_pack(), trained, tmp_path)
    for number, stage in enumerate(pipeline.stages):
        context, step = PlainContext(tmp_path / str(number)), step_of().model_copy(update={"stage": stage})
        outputs, made = run_stage(step, material, context)
        file = context.store.local_path(outputs["model"].sha256)
        material = Material(coloured_pack(), file, tmp_path, made.promises, shape=made.shape)
    shape = material.shape
    assert shape is not None
    assert shape == shape_of(load_model(file))
    assert shape.macs < 0.5 * macs(layer_costs(load_model(trained)))
    export = ExportStep(export={"kind": kind}, seed=1)

    def exported(shape: ShapePromise) -> ExportResult:
        network = StoredNetwork(file, material.promises, shape)
        return run_export(export, coloured_pack(), network, PlainContext(tmp_path / "export"))[1]

    result = exported(shape)
    assert (result.macs, result.weights) == (shape.macs, shape.weights)
    for wrong, reason in (
        ({"channels": shape.channels | {"unit1_conv1": 99}}, "'unit1_conv1' .* output channels; 99 were promised"),
        ({"macs": shape.macs + 1}, "MACs; exactly .* were promised"),
        ({"weights": shape.weights + 1}, "weights; exactly .* were promised"),
    ):
        with pytest.raises(BrokenPromiseError, match=reason):
            exported(shape.model_copy(update=wrong))
