"""Messages between programs of different versions: tolerant of what is unknown, and true to what is known.

``data/messages_of_0_1_0.json`` was written by the code of release 0.1.0. It is never changed: if a test fails on
it, the new code cannot read what a worker, evaluator or server of that release sends.
"""

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from edgepress_common.devices import Announcement, EvaluationLease
from edgepress_common.frozen import Message, added_field
from edgepress_common.messages import Progress, RunStep, StepFailure, WorkerEvent
from edgepress_common.plan import Plan
from edgepress_common.results import EvaluationResult

TYPES: dict[str, TypeAdapter[Any]] = {
    "RunStep": TypeAdapter(RunStep),
    "WorkerEvent": TypeAdapter(WorkerEvent),
    "Announcement": TypeAdapter(Announcement),
    "EvaluationLease": TypeAdapter(EvaluationLease),
    "Progress": TypeAdapter(Progress),
    "StepFailure": TypeAdapter(StepFailure),
    "EvaluationResult": TypeAdapter(EvaluationResult),
    "Plan": TypeAdapter(Plan),
}
CORPUS: dict[str, list[Any]] = json.loads((Path(__file__).parent / "data" / "messages_of_0_1_0.json").read_text())
MESSAGES = [(name, message) for name, messages in CORPUS.items() for message in messages]


class Toy(Message):
    """A message with a field that a later version has added."""

    kind: str
    energy_mj: float | None = added_field(None, ge=0)


def covers(now: Any, then: Any) -> bool:
    """Return whether a value has all fields of another; it may have more."""
    if isinstance(then, dict):
        return isinstance(now, dict) and all(name in now and covers(now[name], then[name]) for name in then)
    if isinstance(then, list):
        return len(now) == len(then) and all(map(covers, now, then))
    return bool(now == then)


def test_the_corpus_has_every_message() -> None:
    """It has at least one of each type that crosses a boundary between programs."""
    assert CORPUS.keys() == TYPES.keys()
    assert all(CORPUS.values())
    assert {step["parameters"]["kind"] for step in CORPUS["RunStep"]} == {"pack", "stage", "export"}
    types = {event["type"] for event in CORPUS["WorkerEvent"]}
    assert types == {"started", "progress", "finished", "failed", "returned"}


@pytest.mark.parametrize(("name", "message"), MESSAGES, ids=[name for name, _ in MESSAGES])
def test_a_message_of_the_first_release_is_understood(name: str, message: Any) -> None:
    """Every field that it has keeps its name and value."""
    parsed = TYPES[name].validate_python(message)
    assert covers(TYPES[name].dump_python(parsed, mode="json"), message)


@pytest.mark.parametrize(("name", "message"), MESSAGES, ids=[name for name, _ in MESSAGES])
def test_a_field_of_a_later_version_is_ignored(name: str, message: Any) -> None:
    """A newer program may send more than this one knows."""
    assert TYPES[name].validate_python(message | {"of_a_later_version": [1, 2]}) == TYPES[name].validate_python(message)


@pytest.mark.parametrize("kind", ["pack", "stage", "export"])
def test_a_parameter_of_a_step_is_never_ignored(kind: str) -> None:
    """A worker that ignored one would store other bytes under the key of the step."""
    message = next(each for each in CORPUS["RunStep"] if each["parameters"]["kind"] == kind)
    with pytest.raises(ValidationError):
        RunStep.model_validate(message | {"parameters": message["parameters"] | {"of_a_later_version": 1}})


def test_an_added_field_is_left_out_while_it_has_its_default() -> None:
    """A reader that refuses unknown fields then accepts the message as well."""
    assert Toy(kind="toy").model_dump_json() == '{"kind":"toy"}'
    assert Toy(kind="toy", energy_mj=2.5).model_dump_json() == '{"kind":"toy","energy_mj":2.5}'
    assert Toy.model_validate({"kind": "toy"}).energy_mj is None
    with pytest.raises(ValidationError):
        Toy(kind="toy", energy_mj=-1)
