"""The energy of an inference above idle."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from edgepress_common.errors import StepCancelledError
from edgepress_evaluator.measure.energy import BLOCKS, energy_of
from edgepress_evaluator.validation_pack import ValidationPack


@dataclass
class Bench:
    """A sensor on a board that takes 2 W when idle, and the given energy for each inference more.

    Attributes:
        mj_per_image: Energy of an inference in each block, in millijoules.
    """

    mj_per_image: list[float]
    name: str = "bench"
    counts: list[int] = field(default_factory=list)
    done: int = 0

    def should_stop(self) -> bool:
        """Count the questions: one before each inference."""
        self.done += 1
        return False

    def joules_of(self, work: Callable[[], object]) -> tuple[float, float]:
        """See `Sensor`: idle and busy parts alternate, and each is said to take one second."""
        self.done = 0
        work()
        self.counts.append(self.done)
        block, is_busy = divmod(len(self.counts) - 1, 2)
        extra = self.mj_per_image[block] / 1000 * self.done if is_busy else 0
        return 2 + extra, 1.0


@pytest.fixture
def pack(pack_files: tuple[Path, Path]) -> ValidationPack:
    return ValidationPack.open(*pack_files)


def test_idle_power_is_subtracted_and_the_interval_is_over_blocks(models: Path, pack: ValidationPack) -> None:
    """Half of the blocks at 3 mJ and half at 5: the mean is 4, and the interval is Student's with nine degrees."""
    sensor = Bench([3.0, 5.0] * 5)
    advances: list[int] = []
    found = energy_of(
        models / "tiny_int8.tflite",
        pack,
        threads=1,
        sensor=sensor,
        advance=advances.append,
        should_stop=sensor.should_stop,
        seconds=0.01,
    )

    half = 2.262157 * 1.0540926 / BLOCKS**0.5  # the standard deviation of five times 3 and 5
    assert found.mean_mj == pytest.approx(4)
    assert (found.low_mj, found.high_mj) == pytest.approx((4 - half, 4 + half))
    assert found.idle_watts == pytest.approx(2)
    assert found.images == sum(advances) == sum(sensor.counts[1::2])
    assert len(advances) == BLOCKS
    assert found.sensor == "bench"


def test_measurement_stops_when_told(models: Path, pack: ValidationPack) -> None:
    """Also while the board is idle."""
    with pytest.raises(StepCancelledError):
        energy_of(
            models / "tiny_int8.tflite",
            pack,
            threads=1,
            sensor=Bench([1.0] * BLOCKS),
            advance=lambda _: None,
            should_stop=lambda: True,
        )
