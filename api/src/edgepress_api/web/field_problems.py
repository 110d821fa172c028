"""Turns what pydantic says of an input into the fields at fault, in words.

1. Each error is placed where the user would look for it, see `edgepress_api.web.error_places`.
2. Of a union's members, only the one that was meant is heard; if none is near, one problem says what all accept.
3. The message is put into words, and the schema says what is accepted. A validator of our own writes
   ``what is wrong; accepted: what is``, and may begin with the path of the field it means.
"""

import difflib
import json
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from pydantic_core import ErrorDetails

from edgepress_api.web.error_places import FieldPath, Place, locate, written_path
from edgepress_api.web.schema import Schema, is_object
from edgepress_common.errors import FieldProblem

_MOST_ERRORS = 100  # who has made more has made one mistake many times; a megabyte of them would take seconds
_LONGEST_VALUE = 200  # characters of an offending value that help more than they hide
_LONGEST_MESSAGE = 500  # likewise of a message, which may quote it
_LEADING_PATH = re.compile(r"[a-z_]+(?:\[\d+\])?(?:\.[a-z_]+(?:\[\d+\])?)*")
_NO_ALTERNATIVE = "no_alternative"  # in the place of pydantic's types of error: one for all members of a union
_WRONG_TYPE = ("_type", "_parsing")
_PLAIN_WORDS = {
    "missing": "is required",
    _NO_ALTERNATIVE: "is none of what is accepted",
    "literal_error": "is not among the choices",
    "enum": "is not among the choices",
    "union_tag_invalid": "is not among the choices",
    "too_short": "has too few items",
    "too_long": "has too many items",
    "string_too_short": "is too short",
    "string_too_long": "is too long",
    "string_pattern_mismatch": "is not of the right form",
}

# How far a value is from what a member of a union takes.
_INSIDE, _ITS_TYPE, _NOT_ITS_TYPE = range(3)


def field_problems(
    errors: Sequence[ErrorDetails], value: object, schema: Schema, *, root: str = ""
) -> list[FieldProblem]:
    """The fields at fault.

    Args:
        errors: As pydantic gives them; of very many, only the first are looked at.
        value: What was validated.
        schema: Its JSON Schema.
        root: What to call the value as a whole; fields inside it are not prefixed with it.
    """
    placed = [(error, locate(error, value, schema)) for error in errors[:_MOST_ERRORS]]
    real = [(error, place) for error, place in placed if not _is_echo(error, place)]
    return [_problem(error, place, root) for error, place in _meant(real)]


def shortened(value: object) -> Any:
    """An offending value, fit to be quoted in JSON: cut where it is long, in words where JSON has none."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, default=str)
    except (ValueError, TypeError, RecursionError):
        text = repr(value)
        value = text
    return value if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}..."


def _is_echo(error: ErrorDetails, place: Place) -> bool:
    """A tuple whose items are wrong is said to be too short as well, though it is not."""
    return (
        error["type"] == "too_short"
        and isinstance(place.value, list | tuple)
        and len(place.value) >= error["ctx"]["min_length"]
    )


def _meant(placed: Sequence[tuple[ErrorDetails, Place]]) -> Iterator[tuple[ErrorDetails, Place]]:
    """Step 2 of the module's walk-through."""
    nearest: dict[FieldPath, int] = {}
    for error, place in placed:
        for union, _ in place.unions:
            remoteness = _remoteness(error, place, union)
            nearest[union] = min(remoteness, nearest.get(union, remoteness))
    summed_up: set[FieldPath] = set()
    for error, place in placed:
        if any(_remoteness(error, place, union) > nearest[union] for union, _ in place.unions):
            continue
        if not place.unions or nearest[place.unions[-1][0]] < _NOT_ITS_TYPE:
            yield error, place
            continue
        union, choice = place.unions[-1]
        if union not in summed_up:
            summed_up.add(union)
            yield error | {"type": _NO_ALTERNATIVE}, replace(place, schema=choice)


def _remoteness(error: ErrorDetails, place: Place, union: FieldPath) -> int:
    """How far the value is from the member of a union that complains."""
    if len(place.path) > len(union):
        return _INSIDE
    wrong_type = error["type"].endswith(_WRONG_TYPE) or error["type"] in {"literal_error", "enum"}
    return _NOT_ITS_TYPE if wrong_type else _ITS_TYPE


def _problem(error: ErrorDetails, place: Place, root: str) -> FieldProblem:
    place, message, accepted = _in_words(error, place)
    return FieldProblem(
        field=written_path(place.path) or root,
        value=None if error["type"] in {"missing", "union_tag_not_found"} else shortened(place.value),
        message=message if len(message) <= _LONGEST_MESSAGE else f"{message[:_LONGEST_MESSAGE]}...",
        accepted=accepted,
    )


def _in_words(error: ErrorDetails, place: Place) -> tuple[Place, str, str | None]:
    """The place that is meant, what is wrong there, and what is accepted there."""
    choice = place.schema.for_value(place.value)
    match error["type"]:
        case "extra_forbidden":
            return _unknown_field(place)
        case "value_error" | "assertion_error":
            return _own_words(error, place)
        case "union_tag_not_found" | "union_tag_invalid" if is_object(place.value) and choice.tag_name:
            tag = choice.tag_name
            message = f"no {tag} {place.value[tag]!r}" if place.has(tag) else "is required"
            return place.step(choice, tag), message, ", ".join(choice.tags)
        case type_ if type_.endswith(_WRONG_TYPE):
            return place, "is of the wrong type", place.schema.accepted()
        case type_:
            message = _PLAIN_WORDS.get(type_) or error["msg"].removeprefix("Input ")
            return place, message, place.schema.accepted()


def _unknown_field(place: Place) -> tuple[Place, str, str]:
    near = difflib.get_close_matches(str(place.path[-1]), place.siblings, n=1)
    message = "unknown field" + (f"; did you mean {near[0]!r}?" if near else "")
    return place, message, ", ".join(place.siblings)


def _own_words(error: ErrorDetails, place: Place) -> tuple[Place, str, str | None]:
    message = re.sub(r"^(Value|Assertion) error, ", "", error["msg"])
    message, _, accepted = message.partition("; accepted: ")
    leading = _LEADING_PATH.match(message)
    below = _follow(place, leading[0]) if leading else None
    return below or place, message, accepted or None


def _follow(place: Place, text: str) -> Place | None:
    """Where a written path leads from a place, as far as it was written; None if nothing of it was."""
    reached = None
    for name in re.findall(r"[a-z_]+|\d+", text):
        item = int(name) if name.isdigit() else name
        if not place.has(item):
            break
        reached = place = place.step(place.schema.for_value(place.value), item)
    return reached
