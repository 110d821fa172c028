"""The base classes of all types that cross a boundary: immutable, parsed once at the edge.

Input from people is strict (`Frozen`); messages between programs are tolerant (`Message`), so that neighbouring
versions work together:

- A reader ignores fields that it does not know, and every field that is added later has a default.
- `added_field` declares such a field: a sender omits it while it has its default, so that a strict reader of
  release 0.1.0 accepts the message as well.
- The parameters of a step (`edgepress_common.steps`) and its promises (`edgepress_common.promises`) stay strict inside
  a tolerant message: a worker that ignored a parameter would store other bytes under the step's key. It reports the
  failure ``unsupported`` instead.
- A client does not run what a gateway answers, so it accepts kinds that it does not know, as those of the gateway's
  extension folders: it validates answers in the context `ANSWER`, which relaxes all types that are `MaybeUnknown`.
"""

from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, SerializeAsAny, ValidationError, ValidationInfo, WrapValidator
from pydantic.functional_validators import ModelWrapValidatorHandler

Value = TypeVar("Value")


class Frozen(BaseModel):
    """A value that a person wrote. Unknown fields are rejected, so that a misspelt setting is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", json_schema_serialization_defaults_required=True)


class Message(BaseModel):
    """A value that one program sends to another. Unknown fields are ignored: the sender may be of a newer version."""

    model_config = ConfigDict(frozen=True, extra="ignore", json_schema_serialization_defaults_required=True)


ANSWER = {"accepts_unknown_kinds": True}
"""Validation context of what a gateway answers. Specs and steps may have kinds that this program does not know, and are
not checked further: the gateway has done so."""


class UnknownKind(BaseModel):
    """The parameters of a method, export or data set kind that this program does not know."""

    model_config = ConfigDict(frozen=True, extra="allow")

    kind: str


def _or_unknown(value: Any, known: ModelWrapValidatorHandler[Any], info: ValidationInfo) -> Any:
    try:
        # A wrapped validator reads JSON as Python values, and would refuse a list for a tuple where reading is strict.
        return known(_with_tuples(value) if info.mode == "json" else value)
    except ValidationError as error:
        if info.context != ANSWER or error.errors()[0]["type"] not in {"literal_error", "union_tag_invalid"}:
            raise
        return value if isinstance(value, str) else UnknownKind.model_validate(value)


def _with_tuples(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _with_tuples(each) for name, each in value.items()}
    return tuple(map(_with_tuples, value)) if isinstance(value, list) else value


MaybeUnknown = Annotated[Value, WrapValidator(_or_unknown), SerializeAsAny()]
"""A name or a union of known kinds; in the context `ANSWER` also an unknown name, or an `UnknownKind`."""


def added_field(default: Value, **constraints: Any) -> Any:
    """Return a field of a `Message` that an older version does not have.

    Args:
        default: Value if the sender omits the field; immutable.
        constraints: Passed on to `pydantic.Field`.
    """
    return Field(default=default, exclude_if=lambda value: value == default, **constraints)
