"""Requirements on every run: each promise is a function from evidence to complaints."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from itertools import zip_longest

from chaos.evidence import Event, Evidence, Plans, Step

# Results of a step in the undisturbed run: its artifacts' digests by name, or an evaluation's accuracy.
Expected = Mapping[str, Mapping[str, object]]

_SHORT = 12


def results_of(steps: Mapping[str, Step]) -> dict[str, dict[str, object]]:
    """Return the results of steps, for comparison."""
    return {
        key: {"accuracy": step.accuracy}
        if step.kind == "evaluation"
        else {output.name: output.sha256 for output in step.outputs}
        for key, step in steps.items()
    }


def broken_promises(evidence: Evidence, expected: Expected, plans: Plans | None = None) -> list[str]:
    """Return all complaints, in words; none if all is well.

    Args:
        evidence: What there was to see after a disturbed run.
        expected: Results of the steps of the undisturbed run.
        plans: Plans of the jobs of the undisturbed run; None to compare steps alone.
    """
    return [complaint for promise in _PROMISES for complaint in promise(evidence)] + [
        *_gives_the_same(evidence, expected),
        *_plans_the_same(evidence, plans or {}),
    ]


def _every_job_succeeds(evidence: Evidence) -> Iterator[str]:
    ids = {job.id for job in evidence.jobs}
    yield from (
        f"job {name} was accepted as {id_} and is gone" for name, id_ in evidence.posted.items() if id_ not in ids
    )
    for job in evidence.jobs:
        if job.state != "succeeded":
            yield f"job {job.name} is {job.state}: {job.error}"
        if evidence.posted.get(job.name) != job.id:
            yield f"job {job.name} also exists as {job.id}, which no answer contained"


def _nothing_done_runs_again(evidence: Evidence) -> Iterator[str]:
    done: dict[str, Event] = {}
    damaged = {
        key
        for key, step in evidence.steps.items()
        if evidence.damaged & {key, *(output.sha256 for output in step.outputs)}
    }
    for event in evidence.events:  # in order: several may be of one moment
        if event.step in damaged:
            continue
        if event.state == "succeeded":
            done.setdefault(event.step, event)
        elif event.state is not None and event.step in done:
            yield f"{_titled(evidence, event.step)} was done, and then {event.state} at attempt {event.attempt}"
    done_at = {step[:_SHORT]: event.at for step, event in done.items()}
    for begun in evidence.begun:
        if begun.step in done_at and begun.at > done_at[begun.step]:
            yield f"{_titled(evidence, begun.step)} was done, and attempt {begun.attempt} was begun after that"


def _no_attempt_is_made_twice(evidence: Evidence) -> Iterator[str]:
    if evidence.went_back:
        return
    for (step, attempt), times in Counter((begun.step, begun.attempt) for begun in evidence.begun).items():
        if times > 1:
            yield f"{_titled(evidence, step)}: attempt {attempt} was begun {times} times"


def _training_goes_on(evidence: Evidence) -> Iterator[str]:
    """From the last epoch that was told of, or from the one before: it is told first, and then saved."""
    if evidence.went_back:  # the worker hands in again what it has saved, of an attempt that the database has forgotten
        return
    for step in evidence.steps.values():
        events = [event for event in evidence.events if event.step == step.key]
        begun = next((event for event in events if (event.state, event.attempt) == ("running", step.attempt)), None)
        told = max((event.epoch for event in events if begun is not None and event.at < begun.at), default=0)
        if step.resumed_after_epochs < told - 1:
            yield f"{step.title}: attempt {step.attempt} went on after epoch {step.resumed_after_epochs} of {told}"


def _artifacts_are_whole(evidence: Evidence) -> Iterator[str]:
    for name, (digest, size_bytes) in evidence.stored.items():
        if digest != name:
            yield f"artifact {name} holds other bytes: {digest}, {size_bytes} bytes"


def _artifacts_are_there(evidence: Evidence) -> Iterator[str]:
    for step in evidence.steps.values():
        for output in step.outputs:
            if output.name == "tflite" and output.sha256 not in evidence.kept:
                yield f"{step.title}: its .tflite {output.sha256} is not in the store"
            elif output.sha256 not in evidence.kept:
                yield f"{step.title}: its {output.name} {output.sha256} is not in the store"
            elif evidence.stored[output.sha256][1] != output.size_bytes:
                yield f"{step.title}: its {output.name} has {evidence.stored[output.sha256][1]} bytes"
        if step.kind == "export" and step.state == "succeeded" and not step.outputs:
            yield f"{step.title} succeeded without a .tflite"


def _nothing_is_left_over(evidence: Evidence) -> Iterator[str]:
    named = {output.sha256 for step in evidence.steps.values() for output in step.outputs}
    yield from (f"artifact {name} is unreferenced, and was not removed" for name in sorted(evidence.kept - named))
    yield from (f"{name} was left half put, and not removed" for name in evidence.unfinished)
    yield from (f"{_titled(evidence, name)} is done, and its saved state was not removed" for name in evidence.scratch)


def _lies_are_refused(evidence: Evidence) -> Iterator[str]:
    yield from (f"{told.lie} was answered with {told.answer}" for told in evidence.told if not told.is_refused)


def _gives_the_same(evidence: Evidence, expected: Expected) -> Iterator[str]:
    found = results_of(evidence.steps)
    for key, result in found.items():
        if key not in expected:
            yield f"{_titled(evidence, key)} was not there in the undisturbed run"
        elif result != expected[key]:
            yield f"{_titled(evidence, key)} gave {result}, and undisturbed {expected[key]}"
    yield from (f"step {key[:_SHORT]} was there in the undisturbed run alone" for key in expected if key not in found)


def _plans_the_same(evidence: Evidence, plans: Plans) -> Iterator[str]:
    """A search tries what it tried undisturbed: the same pipelines in the same order, with the same reasons."""
    for name, expected in plans.items():
        found = evidence.plans.get(name, ())
        if found == expected:
            continue
        differing = (other or one for one, other in zip_longest(expected, found) if one != other)
        first = next(each.name for each in differing if each is not None)
        yield (
            f"job {name} has another plan from {first} on: {len(found)} pipelines "
            f"({', '.join(each.name for each in found)}), and undisturbed {len(expected)} "
            f"({', '.join(each.name for each in expected)})"
        )


def _titled(evidence: Evidence, key: str) -> str:
    step = next((step for step in evidence.steps.values() if step.key.startswith(key)), None)
    return f"step {key[:_SHORT]}" if step is None else f"{step.title} ({step.key[:_SHORT]})"


_PROMISES: tuple[Callable[[Evidence], Iterator[str]], ...] = (
    _every_job_succeeds,
    _nothing_done_runs_again,
    _no_attempt_is_made_twice,
    _training_goes_on,
    _artifacts_are_whole,
    _artifacts_are_there,
    _nothing_is_left_over,
    _lies_are_refused,
)
