"""Values of a description, of the type that Keras writes."""

from collections.abc import Mapping

from pydantic import JsonValue

from edgepress_common.errors import InvalidInputError

JsonObject = Mapping[str, JsonValue]


def as_object(value: JsonValue, where: str) -> JsonObject:
    """The value, if it is an object.

    Raises:
        InvalidInputError: It is none; said with where it stands.
    """
    if not isinstance(value, dict):
        raise InvalidInputError(f"{where} is {str(value)[:100]}; accepted: an object, as Keras writes it")
    return value


def as_list(value: JsonValue, where: str) -> list[JsonValue]:
    """The value, if it is a list.

    Raises:
        InvalidInputError: It is none; said with where it stands.
    """
    if not isinstance(value, list):
        raise InvalidInputError(f"{where} is {str(value)[:100]}; accepted: a list, as Keras writes it")
    return value
