"""Parses specs: JSON or YAML by the Content-Type, into plain data and then into a `JobSpec`.

It rejects data that can't be stored: bytes that are not text, duplicate keys, deep nesting, numbers that JSON does not
have, and characters that PostgreSQL does not have.
"""

import json
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal, Never, TypeVar

from fastapi import Depends, Request
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, JsonValue, ValidationError
from starlette.exceptions import HTTPException

from edgepress_api.web.error_places import FieldPath, written_path
from edgepress_api.web.field_problems import field_problems
from edgepress_api.web.plain_yaml import MAX_CHARACTERS_OF_A_NUMBER, MAX_DEPTH, MalformedBodyError, parse_yaml
from edgepress_api.web.schema import Schema, without_references
from edgepress_common.errors import FieldProblem, InvalidSpecError
from edgepress_common.spec import JobSpec
from edgepress_common.spec.notify import Recipients
from edgepress_common.text import CONTROL, harmless

JSON_TYPES = ("application/json",)
YAML_TYPES = ("application/yaml", "application/x-yaml", "text/yaml", "text/x-yaml")

_SPEC_DOCUMENT = JobSpec.model_json_schema()
_SPEC_SCHEMA: Schema = without_references(_SPEC_DOCUMENT, _SPEC_DOCUMENT)
_RECIPIENTS_DOCUMENT = Recipients.model_json_schema()
_RECIPIENTS_SCHEMA: Schema = without_references(_RECIPIENTS_DOCUMENT, _RECIPIENTS_DOCUMENT)

_Parsed = TypeVar("_Parsed", bound=BaseModel)

_SEVERAL_LINES: FieldPath = ("notes",)
_IN_A_LINE = re.compile(f"{CONTROL.pattern}|[\t\n]")

Format = Literal["JSON", "YAML"]


@dataclass(frozen=True)
class RawSpec:
    """A spec as it was posted."""

    content: bytes
    format: Format


async def _read_spec(request: Request) -> RawSpec:
    format_ = _format_of(request.headers.get("content-type"))
    return RawSpec(await request.body(), format_)


def _parsed_spec(raw: Annotated[RawSpec, Depends(_read_spec)]) -> JobSpec:
    return parse_spec(raw)


def _parsed_recipients(raw: Annotated[RawSpec, Depends(_read_spec)]) -> Recipients:
    """Parse the field ``notify`` of a body, which may be a whole spec."""
    value = parse_body(raw)
    if isinstance(value, dict):
        value = {"notify": value["notify"]} if "notify" in value else {}
    return _validated(Recipients, value, _RECIPIENTS_SCHEMA)


PostedSpec = Annotated[JobSpec, Depends(_parsed_spec)]
PostedRecipients = Annotated[Recipients, Depends(_parsed_recipients)]


def parse_spec(raw: RawSpec) -> JobSpec:
    """Return the spec in a body.

    Raises:
        MalformedBodyError: The body is not valid JSON or YAML.
        InvalidSpecError: Fields of the spec are not valid.
    """
    return _validated(JobSpec, parse_body(raw), _SPEC_SCHEMA)


def _validated(type_: type[_Parsed], value: JsonValue, schema: Schema) -> _Parsed:
    if problems := [*_control_characters(value)]:
        raise InvalidSpecError(problems)
    try:
        # Strict, as JSON: a list is accepted for a tuple, but "32" is not a number and 1 is not a boolean.
        return type_.model_validate_json(json.dumps(value), strict=True)
    except ValidationError as error:
        problems = field_problems(error.errors(include_url=False), value, schema, root="spec")
        raise InvalidSpecError(problems) from None


def parse_body(raw: RawSpec) -> JsonValue:
    """Return the data in a body.

    Raises:
        MalformedBodyError: The body is not valid JSON or YAML, or its data can't be stored.
    """
    try:
        text = raw.content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise MalformedBodyError(f"byte {error.start} is not UTF-8; accepted: {raw.format} in UTF-8") from None
    if not text.strip():
        raise MalformedBodyError(f"the body is empty; accepted: a spec in {raw.format}")
    value = parse_yaml(text) if raw.format == "YAML" else _parse_json(text)
    refuse_unstorable(value)
    return value


async def check_json_body(request: Request) -> None:
    """Reject a body for the same reasons as a spec; a dependency of routes whose bodies FastAPI parses.

    Raises:
        MalformedBodyError: See `refuse_unstorable`.
    """
    try:
        value = await request.json()
    except ValueError:
        return  # FastAPI reports this error itself
    await run_in_threadpool(refuse_unstorable, value)


def refuse_unstorable(value: JsonValue) -> None:
    """Reject data that JSON or a supported database can't store.

    Raises:
        MalformedBodyError: A number is not finite, a text contains NUL or an unpaired surrogate, a key is not text, or
        the nesting is too deep.
    """
    for path, item in _walk(value):
        if len(path) > MAX_DEPTH:
            raise _too_deep()
        match item:
            case float() if not math.isfinite(item):
                raise MalformedBodyError(f"{_named(path)} is {item}; accepted: finite numbers")
            case str() if any(character == "\0" or "\ud800" <= character <= "\udfff" for character in item):
                raise MalformedBodyError(f"{_named(path)} has a character that can't be stored: {ascii(item)[:60]}")
            case dict() if others := [name for name in item if not isinstance(name, str)]:
                raise MalformedBodyError(f"{_named(path)} has the key {others[0]!r:.60}; accepted: text as keys")


def _control_characters(value: JsonValue) -> Iterator[FieldProblem]:
    """Yield the texts that a terminal would obey, or that would take several lines of a list.

    What is stored of a spec is shown to other people.
    """
    for path, item in _walk(value):
        refused = CONTROL if path == _SEVERAL_LINES else _IN_A_LINE
        if isinstance(item, str) and (found := refused.search(item)):
            message = f"has the control character U+{ord(found[0]):04X}"
            field = harmless(_named(path))
            yield FieldProblem(field=field, value=harmless(item), message=message, accepted="printable text")


def _walk(value: JsonValue, path: FieldPath = ()) -> Iterator[tuple[FieldPath, JsonValue]]:
    """Yield each value, the outer ones first, with its path."""
    yield path, value
    below = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for item, inner in below:
        yield from _walk(inner, (*path, item))


def _format_of(content_type: str | None) -> Format:
    media_type = (content_type or "").partition(";")[0].strip().lower()
    if media_type in JSON_TYPES or media_type.endswith("+json"):
        return "JSON"
    if media_type in YAML_TYPES or media_type.endswith("+yaml"):
        return "YAML"
    raise HTTPException(
        415,
        f"Content-Type {media_type!r} is not supported; accepted: application/json, application/yaml"
        if media_type
        else "the header Content-Type is missing; accepted: application/json, application/yaml",
        {"Accept": "application/json, application/yaml"},
    )


def _parse_json(text: str) -> JsonValue:
    try:
        value: JsonValue = json.loads(
            text, object_pairs_hook=_without_doubles, parse_constant=_refuse_constant, parse_int=_integer
        )
    except json.JSONDecodeError as error:
        raise MalformedBodyError(f"not JSON: {error.msg} in line {error.lineno}, column {error.colno}") from None
    except RecursionError:
        raise _too_deep() from None
    return value


def _without_doubles(pairs: Sequence[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    found: dict[str, JsonValue] = {}
    for key, value in pairs:
        if key in found:
            raise MalformedBodyError(f"{key!r:.60} is given twice in one object; accepted: each key once")
        found[key] = value
    return found


def _integer(text: str) -> int | str:
    """Return an integer. One that Python can't write stays text, which no numeric field accepts, as in YAML."""
    return int(text) if len(text) <= MAX_CHARACTERS_OF_A_NUMBER else text


def _refuse_constant(name: str) -> Never:
    raise MalformedBodyError(f"not JSON: {name}; accepted: finite numbers")


def _named(path: FieldPath) -> str:
    return written_path(path) or "the body"


def _too_deep() -> MalformedBodyError:
    return MalformedBodyError(f"is nested more than {MAX_DEPTH} deep")
