"""Stages one after another, as a pipeline runs them, and what comes of it in the .tflite."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from edgepress_common.errors import BrokenPromiseError, InvalidInputError
from edgepress_common.promises import LayerPromise
from edgepress_common.spec import Model, Pipeline, QuantizeAwareStage, Stage, Training
from edgepress_common.spec.network_state import NEW_NETWORK
from edgepress_common.spec.order import after, with_choices_made
from edgepress_common.steps import StageStep
from fakes.preactivation_network import coloured_pack, trained_file
from fakes.step_context import PlainContext

if TYPE_CHECKING:
    from pathlib import Path

    from edgepress_common.results import StageResult

pytestmark = pytest.mark.slow

TRAINING = Training(epochs=2, batch_size=16, learning_rate=1e-3, seed=3)
KERNELS = ("conv0", "unit1_sc", "unit1_conv1", "unit1_conv2", "classifier")


@dataclass(frozen=True)
class Made:
    """The results of a pipeline's stages."""

    file: Path
    result: StageResult

    def network(self) -> Any:
        from edgepress_worker.keras_files import load_model

        return load_model(self.file)

    def kernel(self, layer: str) -> Any:
        return self.network().get_layer(layer).get_weights()[0]

    def promises(self) -> dict[str, LayerPromise]:
        return {promise.layer: promise for promise in self.result.promises}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network that tells the classes apart."""
    return trained_file(tmp_path_factory.mktemp("trained"))


_known: dict[str, Made] = {}  # by source and stages, so that tests share the stages that their pipelines begin with


def run(source: Path, folder: Path, *stages: dict[str, Any], again: bool = False) -> Made:
    """The stages in turn, each with what the plan would tell it.

    Args:
        source: The trained network.
        folder: Folder for the stages that are run.
        stages: Parameters of the stages.
        again: Whether to run stages that an earlier call has run.
    """
    from edgepress_worker.methods import Material, run_stage

    pipeline = Pipeline.model_validate({"name": "p", "stages": list(stages), "exports": ["int8"]})
    state, made = NEW_NETWORK, None
    for number, stage in enumerate(pipeline.stages):
        key = f"{source} {stages[: number + 1]}"
        if again or key not in _known:
            material = Material(coloured_pack(), source, folder)
            if made is not None:
                material = Material(coloured_pack(), made.file, folder, made.result.promises, made.result.shape)
            context = PlainContext(folder / str(number))
            outputs, result = run_stage(step_of(with_choices_made(stage, state)), material, context)
            _known[key] = Made(context.store.local_path(outputs["model"].sha256), result)
        state, made = after(state, stage), _known[key]
    assert made is not None
    return made


PRUNE = {"kind": "prune", "schedule": {"kind": "polynomial", "final_sparsity": 0.6}}
CLUSTER = {"kind": "cluster", "clusters": 6}
QUANTIZE = {"kind": "quantize_aware"}
FACTORIZE = {"kind": "factorize", "multiple_of": 4, "rank": {"kind": "energy", "energy": 0.5}}


def step_of(stage: Stage, epochs: int = 2) -> StageStep:
    """The stage as the plan would have it."""
    training = TRAINING.model_copy(update={"epochs": epochs})
    return StageStep(stage=stage, model=Model(architecture="resnet18"), training=training)


def zeros(kernel: Any) -> float:
    """Share of zeros."""
    return float(np.mean(kernel == 0))


def test_pruned_layers_have_their_zeros(trained: Path, tmp_path: Path) -> None:
    """The number is exact, and is in the promise."""
    made = run(trained, tmp_path, PRUNE)
    for layer in KERNELS:
        assert zeros(made.kernel(layer)) == pytest.approx(0.6, abs=0.51 / made.kernel(layer).size + 1e-9)
        assert made.promises()[layer] == LayerPromise(layer=layer, sparsity=0.6)


@pytest.mark.parametrize("kind", ["constant", "polynomial"])
def test_pruning_that_begins_at_the_very_end_reaches_its_sparsity(trained: Path, tmp_path: Path, kind: str) -> None:
    """It reaches it after the last step: with few steps, a share of them may be zero steps."""
    schedule = {"kind": kind, "final_sparsity": 0.6, "begin": 0.99, "end": 1.0}
    made = run(trained, tmp_path, PRUNE | {"schedule": schedule})
    assert zeros(made.kernel("unit1_conv1")) == pytest.approx(0.6, abs=0.01)


def test_excluded_layers_stay_dense(trained: Path, tmp_path: Path) -> None:
    """Layers are excluded by ``first``, ``last``, kind or name."""
    made = run(trained, tmp_path, PRUNE | {"layers": {"include": ["kind:conv2d"], "exclude": ["first", "name:*_sc"]}})
    assert set(made.promises()) == {"unit1_conv1", "unit1_conv2"}
    assert zeros(made.kernel("conv0")) == zeros(made.kernel("unit1_sc")) == zeros(made.kernel("classifier")) == 0


def test_a_pattern_that_fits_nothing_is_refused(trained: Path, tmp_path: Path) -> None:
    """The error lists the existing names."""
    with pytest.raises(InvalidInputError, match=r"name:stage9_\*' matches none .* unit1_conv2"):
        run(trained, tmp_path, PRUNE | {"layers": {"include": ["name:stage9_*"]}})


def test_two_of_four_are_zero(trained: Path, tmp_path: Path) -> None:
    """This holds in every group of four input channels; conv0 has three, padded to four."""
    made = run(trained, tmp_path, PRUNE | {"schedule": {"kind": "pattern", "pattern": "2:4"}})
    groups = made.kernel("unit1_conv1").transpose(0, 1, 3, 2).reshape(-1, 4)
    assert ((groups == 0).sum(axis=1) >= 2).all()
    assert ((made.kernel("conv0") == 0).sum(axis=2) >= 1).all()


def test_clustered_layers_share_values(trained: Path, tmp_path: Path) -> None:
    """Per layer by default, convolutions without bias among them."""
    made = run(trained, tmp_path, CLUSTER)
    assert {layer: len(np.unique(made.kernel(layer))) <= 6 for layer in KERNELS} == dict.fromkeys(KERNELS, True)


def test_values_per_channel(trained: Path, tmp_path: Path) -> None:
    """Each output channel has its own values; TFMOT skips convolutions without bias with a warning."""
    made = run(trained, tmp_path, CLUSTER | {"per_channel": True, "clusters": 4})
    kernel = made.kernel("unit1_conv2")
    assert max(len(np.unique(kernel[..., channel])) for channel in range(16)) <= 4
    assert len(np.unique(kernel)) > 4
    assert made.promises()["unit1_conv2"].clusters_per_channel


def test_clustering_keeps_zeros_by_default(trained: Path, tmp_path: Path) -> None:
    """The spec does not have to request it."""
    kept = run(trained, tmp_path / "kept", PRUNE, CLUSTER)
    lost = run(trained, tmp_path / "lost", PRUNE, CLUSTER | {"preserve_sparsity": False})
    assert zeros(kept.kernel("unit1_conv2")) >= 0.6 - 1e-3
    assert len(np.unique(kept.kernel("unit1_conv2"))) <= 6
    assert kept.promises()["conv0"] == LayerPromise(layer="conv0", sparsity=0.6, clusters=6)
    assert lost.promises()["conv0"] == LayerPromise(layer="conv0", clusters=6)


def test_one_layer_without_zeros_does_not_cost_the_others_theirs(trained: Path, tmp_path: Path) -> None:
    """TFMOT's shared quantizer drops all zeros as soon as the first layers were left out of the pruning."""
    first_left_out = PRUNE | {"layers": {"exclude": ["first"]}}
    made = run(trained, tmp_path, first_left_out, CLUSTER, QUANTIZE)
    assert zeros(made.kernel("unit1_conv1")) >= 0.6 - 1e-3
    assert made.promises()["conv0"] == LayerPromise(layer="conv0", clusters=6, grid="layer")
    assert made.promises()["unit1_conv1"] == LayerPromise(layer="unit1_conv1", sparsity=0.6, clusters=6, grid="layer")


def test_values_stay_the_layers_through_quantization(trained: Path, tmp_path: Path) -> None:
    """TFMOT turns them into each channel's without saying so."""
    made = run(trained, tmp_path, CLUSTER, QUANTIZE)
    for layer in KERNELS:
        kernel = made.kernel(layer)
        assert len(np.unique(kernel)) <= 6
        codes = kernel / (np.abs(kernel).max() / 127)
        np.testing.assert_allclose(codes, np.rint(codes), atol=1e-3)


@pytest.mark.parametrize(
    "stage", [CLUSTER, QUANTIZE, QUANTIZE | {"scales": "learned"}], ids=["values", "range", "learned"]
)
def test_a_higher_entropy_weight_gives_fewer_bits(trained: Path, tmp_path: Path, stage: dict[str, Any]) -> None:
    """The estimate is in each epoch of the result, and in none without a weight."""
    low, high = (
        [epoch.bits_per_weight or 0.0 for epoch in made.result.epochs]
        for made in (
            run(trained, tmp_path / "low", stage | {"entropy_weight": 1e-6}),
            run(trained, tmp_path / "high", stage | {"entropy_weight": 1.0}),
        )
    )
    assert all(0 < known < 8 for known in (*low, *high))
    assert high[-1] < low[-1]
    without = run(trained, tmp_path / "without", stage)
    assert {epoch.bits_per_weight for epoch in without.result.epochs} == {None}


def test_layers_that_a_stage_leaves_out_keep_what_they_have(trained: Path, tmp_path: Path) -> None:
    """Zeros of a layer that is not clustered stay zero while it trains on."""
    made = run(trained, tmp_path, PRUNE, CLUSTER | {"layers": {"include": ["last"]}})
    assert zeros(made.kernel("unit1_conv1")) >= 0.6 - 1e-3
    assert made.promises()["unit1_conv1"] == LayerPromise(layer="unit1_conv1", sparsity=0.6)


def test_a_second_pruning_keeps_the_first_ones_zeros(trained: Path, tmp_path: Path) -> None:
    """It adds zeros to them."""
    again = {"kind": "prune", "schedule": {"kind": "polynomial", "initial_sparsity": 0.1, "final_sparsity": 0.8}}
    once = run(trained, tmp_path / "once", PRUNE)
    made = run(trained, tmp_path / "twice", PRUNE, again)
    assert (made.kernel("unit1_conv1")[once.kernel("unit1_conv1") == 0] == 0).all()
    assert zeros(made.kernel("unit1_conv1")) == pytest.approx(0.8, abs=1e-3)


def test_a_factorized_network_keeps_its_shape_to_the_file(trained: Path, tmp_path: Path) -> None:
    """Later stages and the export find the channels, MACs and weights that were promised; all of it is in int8."""
    from edgepress_common.steps import ExportStep
    from edgepress_worker.exports import StoredNetwork, run_export
    from edgepress_worker.keras_cost import shape_of
    from edgepress_worker.keras_files import load_model

    made = run(trained, tmp_path, FACTORIZE, PRUNE, CLUSTER, QUANTIZE)
    shape = made.result.shape
    assert shape is not None
    assert shape.channels["unit1_conv1_reduce"] in {4, 8}
    assert shape.macs < shape_of(load_model(trained)).macs
    assert made.promises()["unit1_conv1_core"].sparsity == 0.6
    step = ExportStep.model_validate({"export": {"kind": "int8", "representative_images": 8}, "seed": 1})
    stored = StoredNetwork(made.file, made.result.promises, shape)
    _, exported = run_export(step, coloured_pack(), stored, PlainContext(tmp_path / "export"))
    kept = {promise.kind: promise for promise in exported.promises}
    assert (kept["macs"].found, kept["weights"].found) == (shape.macs, shape.weights)
    assert kept["channels"].layers == len(shape.channels)
    assert exported.float_operators == {}


def test_a_stage_that_does_not_keep_the_promised_shape_fails(trained: Path, tmp_path: Path) -> None:
    """The promise of an earlier stage is compared with the network that comes out."""
    from edgepress_worker.keras_cost import shape_of
    from edgepress_worker.keras_files import load_model
    from edgepress_worker.methods import Material, run_stage

    shape = shape_of(load_model(trained))
    lie = shape.model_copy(update={"channels": shape.channels | {"unit1_conv1": 8}})
    step = step_of(QuantizeAwareStage(preserve_sparsity=False, preserve_clusters=False))
    with pytest.raises(BrokenPromiseError, match=r"were promised; 'unit1_conv1' has other channels"):
        run_stage(step, Material(coloured_pack(), trained, tmp_path, shape=lie), PlainContext(tmp_path))


def test_the_source_is_not_changed(trained: Path, tmp_path: Path) -> None:
    """TFMOT's wrappers change the model they are given; two stages from one file must not see one another."""
    before = trained.read_bytes()
    first = run(trained, tmp_path / "a", QUANTIZE, again=True)
    run(trained, tmp_path / "b", PRUNE, again=True)
    second = run(trained, tmp_path / "c", QUANTIZE, again=True)
    assert trained.read_bytes() == before
    assert first.file.read_bytes() == second.file.read_bytes()


def test_a_stage_that_breaks_its_promise_fails(trained: Path, tmp_path: Path) -> None:
    """A promise of the stage before that its file does not keep is found out, with the layer's name."""
    from edgepress_worker.methods import Material, run_stage

    step = step_of(QuantizeAwareStage(preserve_sparsity=True, preserve_clusters=False))
    lie = (LayerPromise(layer="unit1_conv1", sparsity=0.6),)
    with pytest.raises(BrokenPromiseError, match=r"unit1_conv1: 0.[0-9]+% of its weights are zero; 60.00% were"):
        run_stage(step, Material(coloured_pack(), trained, tmp_path, lie), PlainContext(tmp_path))


@pytest.mark.parametrize(
    "stages",
    [
        [PRUNE],
        [PRUNE, CLUSTER],
        [CLUSTER | {"block": "kernel"}],
        [CLUSTER | {"centroids": "hashed", "clusters": 32}],
        [QUANTIZE],
        [QUANTIZE | {"entropy_weight": 1}],
        [{"kind": "quantize_aware", "scales": "learned", "bits": 4}],
        [FACTORIZE],
    ],
    ids=["prune", "cluster", "blocks", "hashed", "quantize_aware", "entropy weight", "learned scales", "factorize"],
)
def test_a_resumed_stage_goes_on_as_if_nothing_had_happened(trained: Path, tmp_path: Path, stages: Any) -> None:
    """Masks, schedule, codebooks, ranges, scales and the optimizer are restored: the same bytes come out."""
    from edgepress_common.errors import StepCancelledError
    from edgepress_worker.methods import Material, run_stage

    source = run(trained, tmp_path / "before", *stages[:-1]) if stages[:-1] else None
    file = trained if source is None else source.file
    promises = () if source is None else source.result.promises
    pipeline = Pipeline.model_validate({"name": "p", "stages": stages, "exports": ["int8"]})
    step = step_of(with_choices_made(pipeline.stages[-1], frozenset({"zeros"} if source is not None else ())), epochs=4)
    material = Material(coloured_pack(), file, tmp_path, promises)

    undisturbed, _ = run_stage(step, material, PlainContext(tmp_path / "undisturbed"))
    context = StopsAfter(tmp_path / "stopped", epochs=2)
    with pytest.raises(StepCancelledError):
        run_stage(step, material, context)
    context.epochs = 99
    resumed, result = run_stage(step, material, context)
    assert result.resumed_after_epochs == 2
    assert resumed["model"].sha256 == undisturbed["model"].sha256


class StopsAfter(PlainContext):
    """A context that is cancelled after a number of epochs."""

    def __init__(self, folder: Path, epochs: int) -> None:
        super().__init__(folder)
        self.epochs = epochs

    def raise_if_cancelled(self) -> None:
        done = max((report.epoch or 0 for report in self.reports), default=0)
        self.cancelled = done >= self.epochs
        super().raise_if_cancelled()
