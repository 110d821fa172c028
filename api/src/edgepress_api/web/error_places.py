"""Where in an input an error is that pydantic found, as the user wrote it.

Pydantic's locations name tags and members of unions along with fields: ``dataset.folder.path`` where the user wrote
``dataset.path``. `Schema` tells which is which.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from pydantic_core import ErrorDetails

from edgepress_api.web.schema import Schema, is_object

FieldPath = tuple[str | int, ...]


@dataclass(frozen=True)
class Place:
    """A place in an input.

    Attributes:
        path: As the user wrote it.
        value: What is there.
        schema: What it falls under.
        siblings: The fields that are known where it is.
        unions: Choices of types on the way, the outermost first: the path of each, and what it accepts.
    """

    path: FieldPath
    value: object
    schema: Schema
    siblings: tuple[str, ...] = ()
    unions: tuple[tuple[FieldPath, Schema], ...] = ()

    def step(self, schema: Schema, item: str | int) -> "Place":
        """The place of a field or an item, of a value that falls under a schema."""
        if isinstance(item, int):
            below = self.value[item] if isinstance(self.value, list | tuple) and item < len(self.value) else None
        else:
            below = self.value.get(item) if is_object(self.value) else None
        path = (*self.path, item)
        return replace(self, path=path, value=below, schema=schema.child(item), siblings=schema.properties)

    def has(self, item: str | int) -> bool:
        """Whether there is such a field or item."""
        if isinstance(item, int):
            return isinstance(self.value, list | tuple) and item < len(self.value)
        return is_object(self.value) and item in self.value


def written_path(path: Sequence[str | int]) -> str:
    """A path as people write it: ``pipelines[0].stages[1].kind``."""
    text = ""
    for item in path:
        text += f"[{item}]" if isinstance(item, int) else f".{item}" if text else item
    return text


def locate(error: ErrorDetails, value: object, schema: Schema) -> Place:
    """Where an error is.

    Args:
        error: As pydantic gives it.
        value: What was validated.
        schema: Its JSON Schema.
    """
    place = Place((), value, schema)
    tag_taken = False
    for position, item in enumerate(error["loc"]):
        is_last = position == len(error["loc"]) - 1
        choice = place.schema.resolved()
        chosen = choice.for_value(place.value)
        is_tag = not tag_taken and is_object(place.value) and _tag_of(choice, place.value) == item
        if is_tag:
            place, tag_taken = replace(place, schema=chosen), True
        elif isinstance(item, int) or item in chosen.properties or (is_last and _names_a_field(error, place, item)):
            place, tag_taken = place.step(chosen, item), False
        else:  # a label that pydantic gives to a member of a union
            place = replace(place, schema=chosen, unions=(*place.unions, (place.path, choice)))
    return place


def _tag_of(choice: Schema, value: Mapping[str, object]) -> object:
    """The tag that decides between an object's types: of the choice itself, or of the member meant for objects."""
    for candidate in (choice, *choice.options()):
        if candidate.tag_name is not None:
            return value.get(candidate.tag_name)
    return None


def _names_a_field(error: ErrorDetails, place: Place, item: str) -> bool:
    return error["type"] == "missing" or place.has(item)
