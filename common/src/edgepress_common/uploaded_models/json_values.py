"""Type checks for values of a description."""

from collections.abc import Mapping

from pydantic import JsonValue

from edgepress_common.errors import InvalidInputError

JsonObject = Mapping[str, JsonValue]

_CLASS_NAMES = {"class_name", "module", "registered_name"}


def as_object(value: JsonValue, where: str) -> JsonObject:
    """Return the value if it is an object.

    Raises:
        InvalidInputError: It is not an object; the message contains ``where``.
    """
    if not isinstance(value, dict):
        raise InvalidInputError(f"{where} is {str(value)[:100]}; accepted: an object, as Keras writes it")
    return value


def as_list(value: JsonValue, where: str) -> list[JsonValue]:
    """Return the value if it is a list.

    Raises:
        InvalidInputError: It is not a list; the message contains ``where``.
    """
    if not isinstance(value, list):
        raise InvalidInputError(f"{where} is {str(value)[:100]}; accepted: a list, as Keras writes it")
    return value


def check_class_names(value: JsonValue) -> None:
    """Check that the names of classes and modules are text or null, wherever they are; lookups rely on it.

    Raises:
        InvalidInputError: One is not; the message has its value.
    """
    if isinstance(value, dict):
        for name in _CLASS_NAMES & value.keys():
            if not isinstance(value[name], str | None):
                raise InvalidInputError(f"{name} is {str(value[name])[:100]}; accepted: text or null")
    for child in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        check_class_names(child)
