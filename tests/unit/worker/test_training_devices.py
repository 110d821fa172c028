"""A training that divides each batch among the devices of a worker: two logical processors, in a program of its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from edgepress_common.spec.training import Training
from edgepress_worker.training.devices import on_devices
from fakes.two_devices import TwoDevices

TESTS = Path(__file__).parents[2]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> TwoDevices:
    """Findings of the program."""
    command = [sys.executable, str(TESTS / "fakes" / "two_devices.py"), str(tmp_path_factory.mktemp("devices"))]
    ended = subprocess.run(
        command, env=os.environ | {"PYTHONPATH": str(TESTS)}, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr[-5000:]
    return TwoDevices.model_validate_json(ended.stdout.splitlines()[-1])


def test_two_devices_have_the_gradient_of_one(found: TwoDevices) -> None:
    """One step with class weights and label smoothing, of a network without BatchNorm, but for rounding."""
    assert found.largest_move > 1e-3
    assert found.largest_difference < 1e-5 * found.largest_move


def test_a_stage_on_two_devices_stores_a_plain_network(found: TwoDevices) -> None:
    """Its result names the devices, and one device finds the same accuracy."""
    assert found.stage.devices == 2
    assert len(found.stage.epochs) == 2
    assert found.accuracy == pytest.approx(found.stage.val_accuracy)


def test_the_same_number_of_devices_repeats_a_training(found: TwoDevices) -> None:
    """Bit for bit, with BatchNorm and dropout, also after an interruption."""
    assert found.resumed_after_epochs == 1
    assert len(set(found.digests)) == 1


def test_mixed_precision_works_on_two_devices(found: TwoDevices) -> None:
    """The copy of the network in another precision is mirrored as well."""
    assert found.devices_with_bfloat16 == 2


def test_a_batch_is_not_divided_among_more_devices_than_images(found: TwoDevices) -> None:
    """The refusal names the batch size and the devices."""
    assert "training.batch_size is 1" in found.refusal
    assert "2 devices" in found.refusal


def test_all_devices_of_a_worker_with_one_are_one() -> None:
    """The training is then the plain one."""
    with on_devices(Training(devices="all"), images=10) as devices:
        assert devices == 1
