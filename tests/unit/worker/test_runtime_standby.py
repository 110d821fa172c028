"""Heartbeats that the parent sends for a child that can't."""

import multiprocessing
import time
from multiprocessing.connection import Connection

import pytest

from edgepress_common.messages import RunStep, StepStarted
from edgepress_common.spec import BuiltinDataset
from edgepress_common.steps import PackStep
from edgepress_worker.runtime.standby import Standby
from fakes.event_channel import ListEventChannel

STEP = RunStep(
    step_key="a" * 64, attempt=7, parameters=PackStep(dataset=BuiltinDataset(image_size=32), fingerprint="digits")
)


def _work(standby: Standby, told: Connection) -> None:
    with standby.working_on(STEP):
        told.send("at it")
        told.recv()
    told.send("done")
    time.sleep(600)


@pytest.mark.parametrize("end", ["done", "killed"])
def test_the_parent_says_it_for_as_long_as_the_child_is_at_it(end: str) -> None:
    """Step and attempt; no longer once the step is done, nor once the child has been killed."""
    fork = multiprocessing.get_context("fork")
    standby, line, (here, there) = Standby(), ListEventChannel(), fork.Pipe()
    standby.say(line, "w1")
    assert line.events == []
    child = fork.Process(target=_work, args=(standby, there), daemon=True)
    child.start()
    assert here.recv() == "at it"

    standby.say(line, "w1")
    standby.say(line, "w1")

    said = StepStarted(step_key=STEP.step_key, attempt=7, worker="w1")
    assert line.events == [said, said]
    if end == "done":
        here.send("go on")
        assert here.recv() == "done"
    else:
        child.kill()
        child.join()
    standby.say(line, "w1")
    assert line.events == [said, said]
    child.kill()
    child.join()


def test_what_is_half_written_is_left_unsaid() -> None:
    """A note without its end names no step."""
    standby, line = Standby(), ListEventChannel()
    for note in (b"a" * 64, b"aaaa 7 1", b"\xff 7 1", b"a" * 64 + b" 7 x"):
        standby._note.value = note
        standby.say(line, "w1")
    assert line.events == []
