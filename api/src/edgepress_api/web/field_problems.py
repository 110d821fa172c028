"""Converts pydantic's validation errors to a list of invalid fields.

1. Map the location of each error to a path in the user's document; see `edgepress_api.web.error_places`.
2. Drop the errors of the members of a union that were not meant. If no member fits, report one problem with what all
members accept.
3. Write the message, with what the schema accepts. Our own validators write ``problem; accepted: values``, and may
begin with the path of the field.
"""

import difflib
import json
import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from pydantic_core import ErrorDetails

from edgepress_api.web.error_places import FieldPath, Place, locate, written_path
from edgepress_api.web.schema import Schema, accepted, is_object, listed, meant_for, tag_name
from edgepress_common.errors import FieldProblem
from edgepress_common.validation_words import in_words

_MOST_ERRORS = 100  # more are usually one mistake repeated; a megabyte of them would take seconds
_LONGEST_VALUE = 200  # characters of an invalid value that are quoted
_LONGEST_MESSAGE = 500  # characters of a message, which may quote the value
_LEADING_PATH = re.compile(r"[a-z_]+(?:\[\d+\])?(?:\.[a-z_]+(?:\[\d+\])?)*")
_WRONG_TYPE = ("_type", "_parsing")
_WITHOUT_VALUE = {"missing", "union_tag_not_found"}
_UNKNOWN_VALUE = {"literal_error", "enum"}
_PLAIN_WORDS = {
    "missing": "is required",
    "literal_error": "is not a known value",
    "enum": "is not a known value",
    "union_tag_invalid": "is not a known value",
    "too_short": "has too few items",
    "too_long": "has too many items",
    "string_too_short": "is too short",
    "string_too_long": "is too long",
    "string_pattern_mismatch": "has the wrong form",
}


def field_problems(
    errors: Sequence[ErrorDetails], value: object, schema: Schema, *, root: str = ""
) -> list[FieldProblem]:
    """Return the invalid fields.

    Args:
        errors: The errors of pydantic; only the first are used if there are very many.
        value: The validated value.
        schema: Its JSON Schema.
        root: The name of the value as a whole; fields inside it are not prefixed with it.
    """
    # A default that depends on an invalid field is not wrong itself.
    wrong = [error for error in errors if error["type"] != "default_factory_not_called"]
    placed = [(error, locate(error, value, schema)) for error in wrong[:_MOST_ERRORS]]
    real = [(error, place) for error, place in placed if not _is_echo(error, place)]
    return [_problem(error, place, root) for error, place in _meant(real)]


def shortened(value: object) -> Any:
    """Return an invalid value in a form that JSON can quote: shortened if long, as text if JSON has no such type."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, default=str)
    except (ValueError, TypeError, RecursionError):
        text = repr(value)
        value = text
    return value if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}..."


def _is_echo(error: ErrorDetails, place: Place) -> bool:
    """Drop the errors of tuples that are reported as too short only because their items are invalid."""
    return (
        error["type"] == "too_short"
        and isinstance(place.value, list | tuple)
        and len(place.value) >= error["ctx"]["min_length"]
    )


def _meant(placed: Sequence[tuple[ErrorDetails, Place]]) -> Iterator[tuple[ErrorDetails, Place]]:
    """Choose the members of unions that were meant: step 2 of the module's docstring."""
    ranks = Counter[tuple[FieldPath, str]]()
    for error, place in placed:
        for member in place.members:
            ranks[member] += _rank(error, place, member[0])
    best: dict[FieldPath, int] = {}
    for (union, _), rank in ranks.items():
        best[union] = min(rank, best.get(union, rank))
    summed_up: set[FieldPath] = set()
    for error, place in placed:
        if any(ranks[member] > best[member[0]] for member in place.members):
            continue
        if not _is_mismatch(error, place):
            yield error, place
        elif place.path not in summed_up:
            summed_up.add(place.path)
            yield error, place


def _rank(error: ErrorDetails, place: Place, union: FieldPath) -> int:
    """Return how far an error puts the value from the member of a union: by its type, or by a field."""
    if len(place.path) == len(union):
        return _MOST_ERRORS if _is_mismatch(error, place) else 0
    return int(error["type"] in {"missing", "extra_forbidden"} and len(place.path) == len(union) + 1)


def _is_mismatch(error: ErrorDetails, place: Place) -> bool:
    """Return whether a member of a union reports that the value is not of its type."""
    return place.is_union and (error["type"].endswith(_WRONG_TYPE) or error["type"] in _UNKNOWN_VALUE)


def _problem(error: ErrorDetails, place: Place, root: str) -> FieldProblem:
    place, message, allowed = _in_words(error, place)
    return FieldProblem(
        field=written_path(place.path) or root,
        value=None if error["type"] in _WITHOUT_VALUE or _is_secret(place) else shortened(place.value),
        message=message if len(message) <= _LONGEST_MESSAGE else f"{message[:_LONGEST_MESSAGE]}...",
        accepted=allowed,
    )


def _is_secret(place: Place) -> bool:
    return bool(meant_for(place.schema, place.value).get("writeOnly"))


def _in_words(error: ErrorDetails, place: Place) -> tuple[Place, str, str | None]:
    """Return the place of an error, the message, and what is accepted there."""
    schema = meant_for(place.schema, place.value)
    tag = tag_name(schema)
    match error["type"]:
        case "extra_forbidden":
            return _unknown_field(place)
        case "value_error" | "assertion_error":
            return _own_words(error, place)
        case "union_tag_not_found" | "union_tag_invalid" if is_object(place.value) and tag:
            message = f"{place.value[tag]!r} is not a known {tag}" if tag in place.value else "is required"
            return place.step(tag), message, listed(schema["discriminator"]["mapping"])
        case _ if _is_mismatch(error, place):
            return place, "is not an accepted value", accepted(place.schema)
        case type_ if type_.endswith(_WRONG_TYPE):
            return place, "is of the wrong type", accepted(place.schema)
        case type_:
            message = _PLAIN_WORDS.get(type_) or in_words(error)[0]
            return place, message, accepted(schema if place.is_union else place.schema)


def _unknown_field(place: Place) -> tuple[Place, str, str]:
    near = difflib.get_close_matches(str(place.path[-1]), place.siblings, n=1)
    message = "unknown field" + (f"; did you mean {near[0]!r}?" if near else "")
    return place, message, ", ".join(place.siblings)


def _own_words(error: ErrorDetails, place: Place) -> tuple[Place, str, str | None]:
    message, allowed = in_words(error)
    leading = _LEADING_PATH.match(message)
    below = _follow(place, leading[0]) if leading else None
    return below or place, message, allowed


def _follow(place: Place, text: str) -> Place | None:
    """Return the place that a path leads to, as far as it exists; None if none of it exists."""
    reached = None
    for name in re.findall(r"[a-z_]+|\d+", text):
        item = int(name) if name.isdigit() else name
        if not place.has(item):
            break
        reached = place = place.step(item)
    return reached
