"""The checks of ``make chaos`` can fail: each promise, broken on purpose, is complained of."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest

from chaos.acts import COMPONENTS, Kill, Killed, Liar, Lie, Slow, TakeAway, drawn, over_a_search
from chaos.evidence import Begun, Event, Evidence, Job, Output, Planned, Step, begun_in
from chaos.figures import Loss, losses
from chaos.lies import Told
from chaos.promises import broken_promises, results_of

START = datetime(2026, 1, 1, tzinfo=UTC)
TRAIN, EXPORT, EVALUATION = "a" * 64, "b" * 64, "c" * 64
MODEL, TFLITE = "d" * 64, "e" * 64


def at(seconds: float) -> datetime:
    """So long after the beginning."""
    return START + timedelta(seconds=seconds)


def step(key: str, kind: str, attempt: int = 1, *outputs: Output, accuracy: float | None = None) -> Step:
    """A step that is done."""
    return Step(key, kind, kind, "succeeded", attempt, outputs, accuracy, resumed_after_epochs=1)


# A training that lost its worker after 10 s, and an export and an evaluation that went well.
GOOD = Evidence(
    posted={"one": "job-1"},
    jobs=(Job("job-1", "one", "succeeded", None),),
    steps={
        TRAIN: step(TRAIN, "stage", 2, Output("model", MODEL, 3)),
        EXPORT: step(EXPORT, "export", 1, Output("tflite", TFLITE, 5)),
        EVALUATION: step(EVALUATION, "evaluation", accuracy=0.5),
    },
    events=(
        Event(at(0), TRAIN, 0, "ready"),
        Event(at(1), TRAIN, 1, "sent"),
        Event(at(2), TRAIN, 1, "running"),
        Event(at(5), TRAIN, 0, None, epoch=1),
        Event(at(8), TRAIN, 0, None, epoch=2),
        Event(at(16), TRAIN, 1, "ready"),
        Event(at(17), TRAIN, 2, "sent"),
        Event(at(18), TRAIN, 2, "running"),
        Event(at(25), TRAIN, 0, None, epoch=2),
        Event(at(30), TRAIN, 2, "succeeded"),
        Event(at(31), EXPORT, 1, "running"),
        Event(at(35), EXPORT, 1, "succeeded"),
        Event(at(36), EVALUATION, 1, "running"),
        Event(at(39), EVALUATION, 1, "succeeded"),
    ),
    begun=(
        Begun(at(2), TRAIN[:12], 1),
        Begun(at(18), TRAIN[:12], 2),
        Begun(at(31), EXPORT[:12], 1),
        Begun(at(36), EVALUATION[:12], 1),
    ),
    stored={MODEL: (MODEL, 3), TFLITE: (TFLITE, 5)},
    kept=frozenset({MODEL, TFLITE}),
    unfinished=(),
    scratch=(),
)
EXPECTED = results_of(GOOD.steps)


def test_a_good_run_has_no_complaints() -> None:
    """A lost attempt does not break a promise."""
    assert broken_promises(GOOD, EXPECTED) == []


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"jobs": (Job("job-1", "one", "partly_succeeded", "out of luck"),)}, "partly_succeeded: out of luck"),
        ({"jobs": ()}, "accepted as job-1 and is gone"),
        ({"jobs": (*GOOD.jobs, Job("job-2", "one", "succeeded", None))}, "which no answer contained"),
        ({"events": (*GOOD.events, Event(at(50), EXPORT, 2, "sent"))}, "was done, and then sent at attempt 2"),
        ({"begun": (*GOOD.begun, Begun(at(50), EXPORT[:12], 2))}, "attempt 2 was begun after that"),
        ({"begun": (*GOOD.begun, Begun(at(32), EXPORT[:12], 1))}, "attempt 1 was begun 2 times"),
        (
            {"events": (*GOOD.events, Event(at(9), TRAIN, 0, None, epoch=3))},
            "stage: attempt 2 went on after epoch 1 of 3",
        ),
        ({"stored": GOOD.stored | {TFLITE: ("f" * 64, 5)}}, f"artifact {TFLITE} holds other bytes"),
        ({"stored": GOOD.stored | {TFLITE: (TFLITE, 4)}}, "its tflite has 4 bytes"),
        ({"kept": frozenset({MODEL})}, f"its .tflite {TFLITE} is not in the store"),
        ({"kept": frozenset({TFLITE})}, f"its model {MODEL} is not in the store"),
        ({"steps": GOOD.steps | {EXPORT: step(EXPORT, "export")}}, "succeeded without a .tflite"),
        ({"told": (Told("device: a lie", "204", is_refused=False),)}, "device: a lie was answered with 204"),
        ({"kept": GOOD.kept | {"f" * 64}}, "is unreferenced, and was not removed"),
        ({"unfinished": ("tmp123",)}, "tmp123 was left half put"),
        ({"scratch": (TRAIN,)}, "saved state was not removed"),
        (
            {"steps": GOOD.steps | {EXPORT: step(EXPORT, "export", 1, Output("tflite", MODEL, 3))}},
            f"gave {{'tflite': '{MODEL}'}}, and undisturbed {{'tflite': '{TFLITE}'}}",
        ),
        ({"steps": GOOD.steps | {EVALUATION: step(EVALUATION, "evaluation", accuracy=0.6)}}, "gave {'accuracy': 0.6}"),
        ({"steps": GOOD.steps | {"f" * 64: step("f" * 64, "stage")}}, "was not there in the undisturbed run"),
        ({"steps": {key: GOOD.steps[key] for key in (TRAIN, EXPORT)}}, "was there in the undisturbed run alone"),
    ],
)
def test_a_broken_promise_is_complained_of(changes: dict[str, object], complaint: str) -> None:
    """In words that say what, and of which step."""
    found = broken_promises(replace(GOOD, **changes), EXPECTED)  # type: ignore[arg-type]  # named above

    assert any(complaint in each for each in found), found


def test_another_plan_is_complained_of() -> None:
    """From the first pipeline on that differs, be it in its steps, its reason, or at all."""
    plan = (Planned("reference", "{}", (TRAIN,)), Planned("trial 1", '{"reason": "first"}', (TRAIN, EXPORT)))
    good = replace(GOOD, plans={"one": plan})
    assert broken_promises(good, EXPECTED, {"one": plan}) == []
    others = (plan[:1], (*plan, Planned("trial 2", "{}", ())), (plan[0], plan[1]._replace(trial="{}")), ())
    for other, first in zip(others, ("trial 1", "trial 2", "trial 1", "reference"), strict=True):
        (found,) = broken_promises(replace(GOOD, plans={"one": other}), EXPECTED, {"one": plan})
        assert f"another plan from {first} on" in found


def test_a_search_meets_kills_of_all_that_it_goes_through() -> None:
    """The same ones for the same seed."""
    acts = list(over_a_search(1, 12))
    assert acts == list(over_a_search(1, 12)) != list(over_a_search(2, 12))
    victims = [act.victim for act in acts if isinstance(act, Kill)]
    assert {victim: victims.count(victim) for victim in victims} == dict.fromkeys(
        ("scheduler", "gateway", "worker", "evaluator"), 3
    )


def test_what_is_begun_and_done_at_one_moment_was_done_once() -> None:
    """A scheduler that was unavailable receives both together."""
    at_once = [event._replace(at=at(35)) if event.step == EXPORT else event for event in GOOD.events]
    begun = [each._replace(at=at(34)) if each.step == EXPORT[:12] else each for each in GOOD.begun]

    assert broken_promises(replace(GOOD, events=tuple(at_once), begun=tuple(begun)), EXPECTED) == []


def test_logs_say_what_was_begun() -> None:
    """The worker's lines and the evaluator's, with their times; nothing else."""
    local = at(2).astimezone().strftime("%Y-%m-%d %H:%M:%S,250")
    worker = f"{local} INFO edgepress_worker.runtime.execution: begins stage {TRAIN[:12]}, attempt 1\nand more\n"
    evaluator = f"{local} INFO edgepress_evaluator.loop: evaluation {EVALUATION}, attempt 3: started\n"

    assert begun_in([worker, evaluator, evaluator.replace("started", "over")]) == [
        Begun(at(2.25), TRAIN[:12], 1),
        Begun(at(2.25), EVALUATION[:12], 3),
    ]


def test_times_go_from_the_kill_to_what_follows() -> None:
    """A loss has three times; a kill that ended no attempt is omitted; one at the same time is reported."""
    killed = [Killed(at(10), "worker", "in an epoch", seen=True), Killed(at(32.5), "evaluator", "any time", seen=True)]
    noticed, begun, further = (timedelta(seconds=each) for each in (6, 8, 15))

    assert losses(GOOD, killed) == [Loss("worker", noticed, begun, further, alone=True)]
    other = Killed(at(20), "redis", "any time", seen=True)
    assert losses(GOOD, [*killed, other]) == [Loss("worker", noticed, begun, further, alone=False)]


def test_a_seed_draws_the_same_acts() -> None:
    """All kinds of acts occur within the hundred kills of a run."""
    acts = [act for act, _ in zip(drawn(1), range(140), strict=False)]

    assert acts == [act for act, _ in zip(drawn(1), range(140), strict=False)]
    assert acts != [act for act, _ in zip(drawn(2), range(140), strict=False)]
    assert {act.fault for act in acts if isinstance(act, TakeAway)} == {"cut", "silence", "refuse", "fill"}
    assert {act.component for act in acts if isinstance(act, Slow)} == set(COMPONENTS)
    assert {act.liar for act in acts if isinstance(act, Lie)} == set(get_args(Liar))
    assert {act.victim for act in acts if isinstance(act, Kill)} == {
        "worker", "worker's child", "evaluator", "scheduler", "gateway", "redis"
    }  # fmt: skip
