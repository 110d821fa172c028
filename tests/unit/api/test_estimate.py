"""The estimated time of a plan: from the times of similar steps on this server only."""

from datetime import timedelta
from pathlib import Path

import pytest

from edgepress_api.database import StepRow
from edgepress_common.answers.jobs import Estimate
from edgepress_common.results import StageResult
from fakes.gateway_app import GatewayApp, sqlite_gateway
from fakes.jobs import small_spec


@pytest.fixture
def gateway(tmp_path: Path) -> GatewayApp:
    """A gateway on which one job was done; packing took 1 s, two epochs 10 s, an export 3 s, an evaluation 5 s."""
    gateway = sqlite_gateway(tmp_path)
    gateway.finished_job()
    took = {"pack": 1, "stage": 10, "export": 3, "evaluation": 5}
    with gateway.database.write() as session:
        for row in session.query(StepRow):
            row.started_at, row.finished_at = gateway.now, gateway.now + timedelta(seconds=took[row.kind])
    return gateway


def estimate(gateway: GatewayApp, **changes: object) -> Estimate:
    """Return the estimated time of a job's plan."""
    found = gateway.submission.preview(small_spec(**changes)).estimate
    assert found is not None
    return found


def test_nothing_known_is_nothing_said(tmp_path: Path) -> None:
    """This applies to a new server, and to an unknown data set or image size."""
    fresh = sqlite_gateway(tmp_path)
    assert estimate(fresh) == Estimate(seconds=None, by_step={}, unknown=6)


def test_another_image_size_is_another_data_set(gateway: GatewayApp) -> None:
    """Times of one size do not apply to the other."""
    assert estimate(gateway, dataset={"kind": "builtin", "image_size": 64}).seconds is None


def test_a_training_takes_its_epochs_and_the_rest_what_similar_steps_took(gateway: GatewayApp) -> None:
    """Five seconds an epoch; exports and evaluations of the same network as before."""
    found = estimate(gateway, training={"epochs": 4, "seed": 1})
    assert sorted(found.by_step.values()) == [3, 3, 5, 5, 20]
    assert (found.seconds, found.unknown) == (36, 0)


def test_what_is_done_takes_no_time(gateway: GatewayApp) -> None:
    """The same job again."""
    assert estimate(gateway) == Estimate(seconds=None, by_step={}, unknown=0)


def test_the_unlike_is_counted_and_not_guessed(gateway: GatewayApp) -> None:
    """Pruning was never done, nor any network but this one: neither they nor what hangs on them has an estimate."""
    pipelines = [{"name": "pruned", "stages": [{"kind": "prune"}], "exports": ["float32"]}]
    assert estimate(gateway, pipelines=pipelines) == Estimate(seconds=None, by_step={}, unknown=3)
    assert estimate(gateway, model={"architecture": "resnet34"}).unknown == 5
    dynamic = estimate(gateway, training={"epochs": 1, "seed": 1}, pipelines=[{"name": "a", "exports": ["dynamic"]}])
    assert (dynamic.seconds, dynamic.unknown) == (5, 2)


def test_a_training_that_was_taken_over_is_not_a_measure(gateway: GatewayApp) -> None:
    """The time of its last attempt is that of a part."""
    with gateway.database.write() as session:
        for row in session.query(StepRow).where(StepRow.kind == "stage"):
            assert isinstance(row.result, StageResult)
            row.result = row.result.model_copy(update={"resumed_after_epochs": 1})
    found = estimate(gateway, training={"epochs": 4, "seed": 1})
    assert (found.seconds, found.unknown) == (16, 1)
