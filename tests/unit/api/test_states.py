"""The state machine of a step, alone."""

from datetime import datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from edgepress_api.steps import states
from edgepress_api.steps.states import ENDED, Status

START = datetime(2026, 1, 1)  # noqa: DTZ001 - any moment will do
LEASE = timedelta(seconds=60)
PAUSE = timedelta(seconds=30)


def test_a_worker_step_runs_from_waiting_to_succeeded() -> None:
    """Waiting, ready, sent, running, succeeded, as the diagram has it."""
    status: Status | None = Status("waiting")
    for step in (
        states.inputs_done,
        lambda s: states.send(s, START, PAUSE),
        lambda s: states.renew(s, 1, "worker", START, LEASE),
        lambda s: states.finish(s, 1),
    ):
        assert status is not None
        status = step(status)
    assert status is not None
    assert (status.state, status.attempt, status.failures) == ("succeeded", 1, 0)


def test_a_step_that_is_not_begun_is_sent_again_with_growing_pauses() -> None:
    """The same attempt goes out again after 30 s, then 60 s later, then 120 s."""
    status = states.send(Status("ready"), START, PAUSE)
    assert status is not None
    waits = []
    now = START
    for _ in range(3):
        assert status.due_at is not None
        assert states.send(status, status.due_at - timedelta(seconds=1), PAUSE) is None
        waits.append((status.due_at - now).total_seconds())
        now = status.due_at
        again = states.send(status, now, PAUSE)
        assert again is not None
        assert again.attempt == 1
        status = again
    assert waits == [30, 60, 120]


def test_three_failures_are_the_end() -> None:
    """The third attempt that fails, fails the step."""
    status = Status("ready")
    for attempt, expected in ((1, "ready"), (2, "ready"), (3, "failed")):
        sent = states.send(status, START, PAUSE)
        assert sent is not None
        failed = states.fail(sent, attempt, retryable=True, max_attempts=3)
        assert failed is not None
        assert failed.state == expected
        status = failed


def test_what_can_not_be_mended_fails_at_once() -> None:
    """A failure that another attempt would only repeat is the end."""
    failed = states.fail(Status("running", attempt=1), 1, retryable=False, max_attempts=3)
    assert failed is not None
    assert failed.state == "failed"


def test_a_step_given_back_has_not_failed() -> None:
    """A worker that is stopped ten times does not use up the attempts."""
    status = Status("ready")
    for attempt in range(1, 11):
        leased = states.lease(status, "worker", START, LEASE)
        assert leased is not None
        returned = states.give_back(leased, attempt)
        assert returned is not None
        status = returned
    assert (status.state, status.failures, status.attempt) == ("ready", 0, 10)


def test_wanting_a_failed_step_again_gives_it_all_its_attempts() -> None:
    """Attempt numbers continue, so that messages of earlier attempts are recognized as old."""
    wanted = states.want(Status("failed", attempt=3, failures=3))
    assert wanted == Status("waiting", attempt=3)


def test_a_step_waits_for_its_device_until_the_deadline_and_no_longer() -> None:
    """The deadline is set once, removed when the device is back or takes the step, and ends the step otherwise."""
    waits = states.await_device(Status("ready"), START, LEASE)
    assert waits is not None
    assert states.await_device(waits, START + PAUSE, LEASE) is None
    assert states.give_up_device(waits, START + PAUSE) is None
    assert states.device_back(waits) == Status("ready")
    assert states.device_back(Status("ready")) is None
    leased = states.lease(waits, "pi4", START + LEASE, LEASE)
    assert leased is not None
    assert states.give_up_device(leased, START + 2 * LEASE) is None
    assert states.give_up_device(waits, START + LEASE) == Status("failed")


def happen(  # noqa: C901, PLR0911, PLR0912 - a table
    action: str, status: Status, attempt: int, now: datetime
) -> Status | None:
    """Return the status that an action leads to."""
    match action:
        case "inputs_done":
            return states.inputs_done(status)
        case "send":
            return states.send(status, now, PAUSE)
        case "lease":
            return states.lease(status, "device", now, LEASE)
        case "renew":
            return states.renew(status, attempt, "worker", now, LEASE)
        case "finish":
            return states.finish(status, attempt)
        case "fail" | "fail_for_good":
            return states.fail(status, attempt, retryable=action == "fail", max_attempts=3)
        case "give_back":
            return states.give_back(status, attempt)
        case "expire":
            return states.expire(status, now, max_attempts=3)
        case "cancel":
            return states.cancel(status)
        case "await_device":
            return states.await_device(status, now, PAUSE)
        case "device_back":
            return states.device_back(status)
        case "give_up_device":
            return states.give_up_device(status, now)
        case _:
            return states.want(status)


ACTIONS = st.sampled_from(
    [
        "inputs_done",
        "send",
        "lease",
        "renew",
        "finish",
        "fail",
        "fail_for_good",
        "give_back",
        "expire",
        "cancel",
        "await_device",
        "device_back",
        "give_up_device",
        "want",
    ]
)


@settings(max_examples=500)
@given(st.lists(st.tuples(ACTIONS, st.integers(0, 4), st.integers(0, 90)), max_size=40))
def test_no_sequence_of_messages_breaks_the_rules(happenings: list[tuple[str, int, int]]) -> None:
    """Messages come twice, late and out of order: attempts only grow, and only the lease owner completes a step."""
    now = START
    status = Status("waiting")
    for action, attempt, seconds in happenings:
        now += timedelta(seconds=seconds)
        moved = happen(action, status, attempt, now)
        if moved is None:
            continue
        assert status.state != "succeeded"
        assert moved.attempt >= status.attempt
        assert moved.failures <= 3
        if action in {"renew", "finish", "fail", "fail_for_good", "give_back"}:
            assert attempt == status.attempt
            assert status.state in {"sent", "running"}
        if moved.state == "succeeded":
            assert action == "finish"
        if action == "give_up_device":
            assert (status.state, moved.state) == ("ready", "failed")
        if moved.state in ENDED | {"waiting", "ready"} and action != "await_device":
            assert moved.due_at is None
        if moved.state in {"sent", "running"} or action == "await_device":
            assert moved.due_at is not None
            assert moved.due_at > now
        status = moved
