"""A running job, as lines and as a progress display; and following it."""

import io
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
from rich.console import Console

from edgepress_client.cli.formats import moment
from edgepress_client.cli.job_view import job_tree
from edgepress_client.cli.progress_view import changes, picture
from edgepress_client.cli.watching import Lines, show
from edgepress_client.following import follow
from edgepress_common.answers.jobs import JobView, PipelineView
from edgepress_common.errors import UnavailableError
from edgepress_common.messages import Progress, StepFailure
from fakes.job_gateway import make_job, make_step

DEADLINE = datetime(2026, 1, 2, 12, 30, tzinfo=UTC)
EPOCH_3 = Progress(
    fraction=0.375,
    epoch=3,
    epochs=8,
    metrics={"loss": 0.2134, "accuracy": 0.931, "val_accuracy": 0.902},
    seconds_left=75,
)


def _lines(before: JobView | None, after: JobView, *, epochs: bool = True) -> list[str]:
    return list(changes(before, after, epochs=epochs))


def test_the_first_look_counts_the_steps_and_those_done_before() -> None:
    """Steps of earlier jobs are counted once, not listed one by one."""
    job = make_job(make_step("pack", kind="pack"), make_step("train"), make_step("int8", "waiting", kind="export"))

    assert _lines(None, job) == ["job-1 (digits): 3 steps, 2 of them done before"]


def test_a_step_is_told_when_it_begins_and_when_it_ends() -> None:
    """A line each, with who does it and how long it took; waiting is not worth one."""
    waiting, running, done = (make_job(make_step("train", state)) for state in ("waiting", "running", "succeeded"))

    assert _lines(waiting, make_job(make_step("train", "ready"))) == []
    assert _lines(waiting, running) == ["train: runs on box"]
    assert _lines(running, done) == ["train: done in 5 s"]


def test_an_epoch_is_a_line_with_its_figures() -> None:
    """Each epoch has one line that can be searched; the progress display has none."""
    before = make_job(make_step("train", "running", progress=Progress(fraction=0, epoch=2, epochs=8)))
    after = make_job(make_step("train", "running", progress=EPOCH_3))

    assert _lines(before, after) == [
        "train: epoch 3/8, loss 0.213, accuracy 93.1 %, val accuracy 90.2 %, 1 min 15 s left"
    ]
    assert _lines(after, after) == []
    assert _lines(before, after, epochs=False) == []


def test_the_beginning_of_a_training_is_not_an_epoch() -> None:
    """No epoch is finished yet, so no line is printed."""
    before = make_job(make_step("train", "running"))
    after = make_job(make_step("train", "running", progress=Progress(fraction=0, epoch=0, epochs=8)))

    assert _lines(before, after) == []


def test_a_failed_attempt_and_a_failed_step_say_why() -> None:
    """A step that will be tried again is not mistaken for one that has failed."""
    failure = StepFailure(code="crashed", message="the worker was killed", retryable=True)
    running = make_job(make_step("train", "running"))
    again = make_job(make_step("train", "ready", failure=failure, attempt=1))
    second = make_job(make_step("train", "running", failure=failure, attempt=2))
    failed = make_job(make_step("train", "failed", failure=failure), state="failed", error="train: no luck")

    assert _lines(again, second) == ["train: runs on box, attempt 2, after: the worker was killed"]
    assert _lines(running, again) == ["train: attempt failed, will be tried again: the worker was killed"]
    assert _lines(running, failed) == [
        "train: failed: the worker was killed",
        "job-1 failed: train: no luck",
    ]


def test_a_step_is_told_once_and_by_its_pipeline_only_where_it_is_its_own() -> None:
    """Two pipelines that share a training and have an int8 each show three steps."""
    shared = make_step("train", "running", key="1" * 64)
    first = make_step("int8", "running", kind="export", key="2" * 64)
    second = make_step("int8", "running", kind="export", key="3" * 64)
    after = make_job(
        pipelines=[
            PipelineView(name="base", state="running", steps=(shared, first)),
            PipelineView(name="pruned", state="running", steps=(shared, second)),
        ]
    )

    assert _lines(None, after)[1:] == ["train: runs on box", "base: int8: runs on box", "pruned: int8: runs on box"]


def test_pipelines_that_were_added_are_told() -> None:
    """Once, by name, before what becomes of their steps."""
    step = make_step("train", "running", key="1" * 64)
    first = make_job(pipelines=[PipelineView(name="base", state="running", steps=(step,))])
    added = make_step("prune", "running", key="2" * 64)
    more = [PipelineView(name=name, state="running", steps=(step, added)) for name in ("pruned", "pruned more")]
    after = first.model_copy(update={"pipelines": (*first.pipelines, *more)})

    assert _lines(first, after) == ["added to the plan: pruned, pruned more", "prune: runs on box"]
    assert _lines(after, after) == []


def test_the_picture_shows_what_runs_and_how_long_it_may_take() -> None:
    """The pace is that of this watching: what was done before does not count."""
    job = make_job(make_step("pack", kind="pack"), make_step("train", "running", progress=EPOCH_3), progress=0.6)
    console = Console(file=io.StringIO(), width=100, record=True)

    console.print(picture(job, elapsed_seconds=30, first_progress=0.3))

    text = console.export_text()
    assert "60%" in text
    assert "30 s elapsed, about 40 s left" in text
    assert "train  epoch 3/8, loss 0.213, accuracy 93.1 %, val accuracy 90.2 %, 1 min 15 s left" in text
    assert "1 of 2 steps done, 1 running" in text
    assert all(len(line) <= 100 for line in text.splitlines())


def test_the_picture_of_a_job_that_waits_says_so() -> None:
    """The display says so if no step is running."""
    console = Console(file=io.StringIO(), width=100, record=True)

    console.print(picture(make_job(make_step("train", "sent")), elapsed_seconds=1, first_progress=0))

    assert "waiting for a worker or device" in console.export_text()


def test_the_picture_of_a_job_that_has_ended_waits_for_nothing() -> None:
    """The last one that is drawn is of a job that has."""
    console = Console(file=io.StringIO(), width=100, record=True)
    ended = make_job(make_step("train", "cancelled"), state="cancelled")

    console.print(picture(ended, elapsed_seconds=1, first_progress=0))

    assert "waiting" not in console.export_text()


@pytest.mark.parametrize(
    ("device", "expected"),
    [
        ("pi4", "waits for pi4, which is offline; fails at {}"),
        ("any", "waits for a device: none is online; fails at {}"),
    ],
)
def test_a_device_that_is_unavailable_is_shown_with_the_deadline(device: str, expected: str) -> None:
    """While watching, once as a line and all the time in the picture; and by show. Not while it is merely busy."""
    busy = make_job(make_step("int8 on pi4", "ready", kind="evaluation", device=device))
    away = make_job(make_step("int8 on pi4", "ready", kind="evaluation", device=device, due_at=DEADLINE))
    line = expected.format(moment(DEADLINE))

    assert _lines(None, busy)[1:] == []
    assert [told.startswith(f"int8 on pi4: {line} unless") for told in _lines(busy, away)] == [True]
    assert len(_lines(None, away)) == 2
    assert _lines(away, away) == []
    console = Console(file=io.StringIO(), width=120, record=True)
    console.print(picture(away, elapsed_seconds=1, first_progress=0))
    console.print(job_tree(away))
    assert console.export_text().count(line) == 2


def test_following_goes_on_while_the_gateway_is_unavailable() -> None:
    """An outage is reported once, and the missed events after it."""
    away = UnavailableError("no gateway answers at http://gateway")
    looks = _looks(
        [make_job(make_step("train", "running")), away, away, make_job(make_step("train"), state="succeeded")]
    )
    console = Console(file=io.StringIO(), width=100, record=True)

    lines = Lines(console)
    job = show(follow(looks, lambda: None, clock=lambda: 0, unavailable=lines.show_absence), lines)

    assert job.state == "succeeded"
    told = [line.split("  ", 1)[1] for line in console.export_text().splitlines()]
    assert told == [
        "job-1 (digits): 1 step",
        "train: runs on box",
        "no gateway answers at http://gateway; trying again",
        "train: done in 5 s",
        "job-1 succeeded",
    ]


def test_following_gives_up_on_a_gateway_that_stays_away() -> None:
    """After five minutes without an answer the command ends; the job does not."""
    seconds = iter(range(0, 10_000, 60))
    away = UnavailableError("no gateway answers")
    looks = _looks([make_job(make_step("train", "running")), *[away] * 20])

    with pytest.raises(UnavailableError):
        list(follow(looks, lambda: None, clock=lambda: next(seconds)))

    assert next(seconds) >= 300


def test_a_gateway_that_never_answers_is_not_waited_for() -> None:
    """The first look is not repeated: the address may be wrong."""
    with pytest.raises(UnavailableError):
        list(follow(_looks([UnavailableError("no gateway answers")]), lambda: None))


def _looks(found: list[JobView | UnavailableError]) -> Callable[[], JobView]:
    remaining: Iterator[JobView | UnavailableError] = iter(found)

    def look() -> JobView:
        now = next(remaining)
        if isinstance(now, UnavailableError):
            raise now
        return now

    return look
