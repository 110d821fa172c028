"""Specs as they arrive: JSON or YAML, by the Content-Type, read into plain data and then into a `JobSpec`.

Refused on the way, so that whatever gets past can be stored: what is no text, keys given twice, nesting without end,
numbers that JSON does not have, and characters that PostgreSQL does not.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal, Never

from fastapi import Depends, Request
from fastapi.concurrency import run_in_threadpool
from pydantic import JsonValue, ValidationError
from starlette.exceptions import HTTPException

from edgepress_api.web.error_places import FieldPath, written_path
from edgepress_api.web.field_problems import field_problems
from edgepress_api.web.plain_yaml import MAX_DEPTH, MalformedBodyError, parse_yaml
from edgepress_api.web.schema import Schema
from edgepress_common.errors import InvalidSpecError
from edgepress_common.spec import JobSpec

JSON_TYPES = ("application/json",)
YAML_TYPES = ("application/yaml", "application/x-yaml", "text/yaml", "text/x-yaml")

_SPEC_DOCUMENT = JobSpec.model_json_schema()
_SPEC_SCHEMA = Schema(_SPEC_DOCUMENT, _SPEC_DOCUMENT)

Format = Literal["JSON", "YAML"]


@dataclass(frozen=True)
class RawSpec:
    """A spec as posted."""

    content: bytes
    format: Format


async def _read_spec(request: Request) -> RawSpec:
    format_ = _format_of(request.headers.get("content-type"))
    return RawSpec(await request.body(), format_)


def _parsed_spec(raw: Annotated[RawSpec, Depends(_read_spec)]) -> JobSpec:
    return parse_spec(raw)


PostedSpec = Annotated[JobSpec, Depends(_parsed_spec)]


def parse_spec(raw: RawSpec) -> JobSpec:
    """A spec out of what was posted.

    Raises:
        MalformedBodyError: It can't be read as what it is said to be.
        InvalidSpecError: It can, and fields are not acceptable.
    """
    value = parse_body(raw)
    try:
        return JobSpec.model_validate(value)
    except ValidationError as error:
        problems = field_problems(error.errors(include_url=False), value, _SPEC_SCHEMA, root="spec")
        raise InvalidSpecError(problems) from None


def parse_body(raw: RawSpec) -> JsonValue:
    """The data that was posted.

    Raises:
        MalformedBodyError: See the module.
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
    """A dependency of routes whose bodies FastAPI reads: has them refused as a spec would be.

    Raises:
        MalformedBodyError: See `refuse_unstorable`.
    """
    try:
        value = await request.json()
    except ValueError:
        return  # FastAPI finds that, too
    await run_in_threadpool(refuse_unstorable, value)


def refuse_unstorable(value: JsonValue, path: FieldPath = ()) -> None:
    """Lets only data pass that both JSON and every database can hold.

    Raises:
        MalformedBodyError: A number is not finite, a text has NUL or half a surrogate pair in it, a key is no text, or
            it is nested without end.
    """
    if len(path) > MAX_DEPTH:
        raise _too_deep()
    match value:
        case float() if not math.isfinite(value):
            raise MalformedBodyError(f"{_named(path)} is {value}; accepted: numbers that are finite")
        case str() if any(character == "\0" or "\ud800" <= character <= "\udfff" for character in value):
            raise MalformedBodyError(f"{_named(path)} has a character that is no text: {ascii(value)[:60]}")
        case list():
            for index, item in enumerate(value):
                refuse_unstorable(item, (*path, index))
        case dict():
            for name, item in value.items():
                if not isinstance(name, str):
                    raise MalformedBodyError(f"{_named(path)} has the key {name!r:.60}; accepted: text as keys")
                refuse_unstorable(item, (*path, name))


def _format_of(content_type: str | None) -> Format:
    media_type = (content_type or "").partition(";")[0].strip().lower()
    if media_type in JSON_TYPES or media_type.endswith("+json"):
        return "JSON"
    if media_type in YAML_TYPES or media_type.endswith("+yaml"):
        return "YAML"
    raise HTTPException(
        415,
        f"Content-Type {media_type!r} can't be read here; accepted: application/json, application/yaml"
        if media_type
        else "there is no Content-Type; accepted: application/json, application/yaml",
        {"Accept": "application/json, application/yaml"},
    )


def _parse_json(text: str) -> JsonValue:
    try:
        value: JsonValue = json.loads(text, object_pairs_hook=_without_doubles, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        raise MalformedBodyError(f"not JSON: {error.msg} in line {error.lineno}, column {error.colno}") from None
    except ValueError as error:  # an integer of thousands of digits
        raise MalformedBodyError(f"not JSON that can be read: {error}") from None
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


def _refuse_constant(name: str) -> Never:
    raise MalformedBodyError(f"not JSON: {name}; accepted: numbers that are finite")


def _named(path: FieldPath) -> str:
    return written_path(path) or "the body"


def _too_deep() -> MalformedBodyError:
    return MalformedBodyError(f"is nested more than {MAX_DEPTH} deep")
