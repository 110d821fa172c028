"""Progress of a step that has phases."""

from pathlib import Path

import pytest

from edgepress_common.errors import StepCancelledError
from edgepress_worker.datasets.meter import Meter
from fakes.step_context import PlainContext


class Clock:
    """Stands still until it is set."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_part_fills_its_share_of_the_whole(tmp_path: Path) -> None:
    """Parts of parts included; more than all is all."""
    context = PlainContext(tmp_path)
    second_half = Meter(context).part(0.5, 1)
    for meter, share in ((second_half, 0.0), (second_half, 0.5), (second_half.part(0.5, 1), 0.5), (second_half, 1.1)):
        meter.tell(share, "working")
    assert [report.fraction for report in context.reports] == [0.5, 0.75, 0.875, 1.0]


def test_time_left_is_estimated_from_what_went_before(tmp_path: Path) -> None:
    """The estimate begins with the first report: work before it does not count for the speed."""
    context, clock = PlainContext(tmp_path), Clock()
    meter = Meter(context, clock=clock).part(0, 0.5)
    for share, now in ((0.2, 100.0), (0.2, 101.0), (0.4, 110.0), (1.0, 140.0)):
        clock.now = now
        meter.tell(share, "working")
    assert [report.seconds_left for report in context.reports] == [None, None, pytest.approx(30), 0]


def test_waiting_keeps_the_fraction(tmp_path: Path) -> None:
    """Only the message changes."""
    context = PlainContext(tmp_path)
    meter = Meter(context)
    meter.tell(0.3, "working")
    meter.wait("waiting")
    assert [(report.fraction, report.message) for report in context.reports] == [(0.3, "working"), (0.3, "waiting")]


def test_a_step_that_is_to_stop_learns_it_here(tmp_path: Path) -> None:
    """The error is raised before more is reported."""
    context = PlainContext(tmp_path)
    context.cancelled = True
    with pytest.raises(StepCancelledError):
        Meter(context).tell(0.5, "working")
    assert context.reports == []
