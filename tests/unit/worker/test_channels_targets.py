"""Channel pruning to a latency, as a latency model predicts it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgepress_common.errors import InvalidInputError
from edgepress_common.latency_table import LatencyTable, TermTimes
from edgepress_common.results import StageResult
from edgepress_common.spec import Model, Pipeline, Training
from edgepress_common.steps import StageStep
from edgepress_worker.channels.cost import PrunedCost, PrunedWork
from edgepress_worker.channels.groups import Grouped, find_groups
from edgepress_worker.channels.surgery import without_channels
from edgepress_worker.keras_cost import layer_costs
from edgepress_worker.keras_files import load_model
from edgepress_worker.methods import Material, run_stage
from edgepress_worker.networks import build_network
from edgepress_worker.operator_work import operator_work
from fakes.channel_networks import random_network
from fakes.preactivation_network import coloured_pack, trained_file
from fakes.step_context import PlainContext

# A tenth of a microsecond for each operator, a nanosecond for each multiplication, three for each value.
TERMS = {
    f"{kind} {name}": ms
    for kind in ("convolution", "pointwise", "dense", "elementwise", "pooling")
    for name, ms in (("calls", 1e-4), ("macs", 1e-6), ("weights", 0.0), ("weight_traffic", 0.0), ("values", 3e-6))
}


def table(terms: dict[str, float] = TERMS) -> LatencyTable:
    """Return a latency model with one number of threads."""
    fit = TermTimes(threads=2, terms=terms, interval=0.25, confidence=0.9)
    return LatencyTable(device="pi", export="int8", runtime="litert 2", processor="Cortex-A72", fits=(fit,))


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network that tells the classes apart."""
    return trained_file(tmp_path_factory.mktemp("trained"))


def predicted(file: Path) -> float:
    """Return the latency of a network, computed from its layers."""
    found = table().predict(operator_work(load_model(file)))
    assert found is not None
    return found.ms


def run(
    source: Path, folder: Path, ms: float, model: LatencyTable | None = None, **changes: Any
) -> tuple[Path, StageResult]:
    """Prune a network to a latency; return its file and the result."""
    target = {"latency": {"device": "pi", "ms": ms}}
    written = {"kind": "prune_channels", "multiple_of": 4, "epochs": 1, "target": target} | changes
    stage = Pipeline.model_validate({"name": "p", "stages": [written], "exports": ["int8"]}).stages[0]
    training = Training(epochs=changes.get("epochs", 1), batch_size=16, learning_rate=1e-3, seed=3)
    step = StageStep(stage=stage, model=Model(architecture="resnet18"), training=training, latency=model or table())
    context = PlainContext(folder)
    material = Material(coloured_pack(), source, context.scratch, teachers=(source,))
    outputs, result = run_stage(step, material, context)
    return context.store.local_path(outputs["model"].sha256), result


def half_of(grouped: Grouped, seed: int) -> Any:
    """Return the units that are kept if each group that can lose units keeps a random number of them."""
    random, kept = np.random.default_rng(seed), np.ones(grouped.unit_count, bool)
    for group in grouped.groups:
        if not group.fixed:
            kept[random.permutation(group.units)[random.integers(1, len(group) + 1) :]] = False
    return kept


def check_counts(network: Any, seed: int) -> None:
    """Check that a narrower network has the work and the cost that were counted without building it."""
    grouped = find_groups(network)
    kept = grouped.kept_channels(half_of(grouped, seed))
    narrow = without_channels(network, grouped.flow, kept)
    assert PrunedWork(grouped.flow).work(kept) == operator_work(narrow)
    assert PrunedCost(grouped.flow).layers(kept) == layer_costs(narrow)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10))
def test_the_work_of_a_narrower_network_is_known_before_it_is_built(seed: int) -> None:
    """For connections of every kind, and random numbers of channels."""
    check_counts(random_network(seed), seed)


@pytest.mark.slow
@pytest.mark.parametrize(
    "architecture", ["resnet18", "resnet18_postactivation", "mobilenet_v2", "mobilenet_v3_small", "efficientnet_b0"]
)
def test_the_work_of_narrower_networks_of_the_catalogue_is_known(architecture: str) -> None:
    """Pre-activation, folded normalizations, depthwise convolutions and gates."""
    model = Model.model_validate({"architecture": architecture})
    check_counts(build_network(model, image_size=32, classes=8, downloads=Path()), 3)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("criterion", "allocation", "rounds"),
    [("l1", "uniform", 1), ("taylor", "global", 1), ("l1", "sensitivity", 1), ("l2", "knee", 1), ("l1", "uniform", 3)],
)
def test_the_latency_is_reached(criterion: str, allocation: str, rounds: int, trained: Path, tmp_path: Path) -> None:
    """The network is predicted to be as fast as its target, and hardly faster; the result says how fast."""
    whole = predicted(trained)
    changes: dict[str, Any] = {"criterion": criterion, "allocation": allocation, "rounds": rounds, "epochs": rounds}
    file, result = run(trained, tmp_path, 0.6 * whole, **changes)
    found = result.predicted_latency
    assert found is not None
    assert found.ms == pytest.approx(predicted(file))
    assert (0.1 if allocation == "knee" else 0.45) * whole < found.ms <= 0.6 * whole
    assert (found.device, found.export, found.threads) == ("pi", "int8", 2)
    assert found.source_ms == pytest.approx(whole)
    assert found.target_ms == 0.6 * whole
    assert (found.low_ms, found.high_ms) == pytest.approx((found.ms / 1.25, found.ms * 1.25))


@pytest.mark.slow
def test_what_takes_time_is_removed(trained: Path, tmp_path: Path) -> None:
    """Where weights take no time and values all of it, other channels go than for the same share of the MACs."""
    values = {name: ms if name.endswith("values") else 0.0 for name, ms in TERMS.items()}
    whole = table(values).predict(operator_work(load_model(trained)))
    assert whole is not None
    file, _ = run(trained, tmp_path / "values", 0.7 * whole.ms, table(values), allocation="sensitivity")
    found = table(values).predict(operator_work(load_model(file)))
    assert found is not None
    assert found.ms <= 0.7 * whole.ms


@pytest.mark.slow
def test_a_latency_below_the_floor_is_refused_with_the_nearest(trained: Path, tmp_path: Path) -> None:
    """The nearest that the message names can be reached."""
    whole = predicted(trained)
    with pytest.raises(
        InvalidInputError, match=r"on pi as int8, as predicted, with at least 12 channels each"
    ) as error:
        run(trained, tmp_path / "refused", 0.1 * whole, min_channels=12)
    nearest = float(str(error.value).partition("ms of at least ")[2].partition(",")[0])
    assert 0.1 * whole < nearest < whole
    _, result = run(trained, tmp_path / "nearest", nearest, min_channels=12)
    assert result.predicted_latency is not None
    assert result.predicted_latency.ms <= nearest


@pytest.mark.slow
def test_a_latency_that_needs_no_pruning_is_refused(trained: Path, tmp_path: Path) -> None:
    """With the latency of the whole network."""
    whole = predicted(trained)
    with pytest.raises(
        InvalidInputError, match=f"predicted to take {whole:.4g} ms on pi as int8: no channel has to be"
    ):
        run(trained, tmp_path, 1.1 * whole)


@pytest.mark.slow
def test_operators_that_the_device_has_not_measured_are_named(trained: Path, tmp_path: Path) -> None:
    """The network pools, and no measured network did."""
    terms = {name: ms for name, ms in TERMS.items() if not name.startswith("pooling")}
    with pytest.raises(InvalidInputError, match=r"knows convolution, .* and the network has .*, pooling; accepted"):
        run(trained, tmp_path, 1.0, table(terms))
