"""Maps the location of a pydantic error to the path in the user's document.

Pydantic's locations contain tags and labels of the members of unions in addition to fields: ``dataset.folder.path`` for
the user's ``dataset.path``. The value and its schema distinguish them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from pydantic_core import ErrorDetails

from edgepress_api.web.schema import Schema, alternatives, child, is_object, meant_for, tag_name

FieldPath = tuple[str | int, ...]

_LONGEST_NAME = 80  # characters of a field's name: an unknown name may have any length


@dataclass(frozen=True)
class Place:
    """A place in an input.

    Attributes:
        path: The path in the user's document.
        value: The value at the path.
        schema: The schema of the value.
        siblings: The known fields of the object that contains it.
        members: The members of unions that report the error, the outermost first: the path of the union, and
            pydantic's label of the member.
    """

    path: FieldPath
    value: object
    schema: Schema
    siblings: tuple[str, ...] = ()
    members: tuple[tuple[FieldPath, str], ...] = ()

    @property
    def is_union(self) -> bool:
        """Whether a member of a union reports the error about the value as a whole."""
        return bool(self.members) and self.members[-1][0] == self.path

    def step(self, item: str | int) -> "Place":
        """Return the place of a field or an item of the value; its value is None if it does not exist."""
        schema = meant_for(self.schema, self.value)
        value = self.value[item] if self.has(item) else None  # type: ignore[index]  # `has` knows
        path, siblings = (*self.path, item), tuple(schema.get("properties", ()))
        return Place(path, value, child(schema, item), siblings, self.members)

    def has(self, item: str | int) -> bool:
        """Return whether the field or item exists."""
        if isinstance(item, int):
            return isinstance(self.value, list | tuple) and item < len(self.value)
        return is_object(self.value) and item in self.value


def written_path(path: Sequence[str | int]) -> str:
    """Return a path in the usual notation: ``pipelines[0].stages[1].kind``."""
    text = ""
    for item in path:
        if isinstance(item, int):
            text += f"[{item}]"
        else:
            name = item if len(item) <= _LONGEST_NAME else f"{item[:_LONGEST_NAME]}..."
            text += f".{name}" if text else name
    return text


def locate(error: ErrorDetails, value: object, schema: Schema) -> Place:
    """Return the place of an error.

    Args:
        error: The error of pydantic.
        value: The validated value.
        schema: Its JSON Schema.
    """
    place = Place((), value, schema)
    *_, last = error["loc"] or (None,)
    for item in error["loc"]:
        chosen = meant_for(place.schema, place.value)
        if _is_tag(item, place):
            place = replace(place, schema=chosen)
        elif (
            isinstance(item, int)
            or item in chosen.get("properties", ())
            or (item is last and (error["type"] == "missing" or place.has(item)))
        ):
            place = place.step(item)
        else:  # pydantic's label of a member of a union
            place = replace(place, members=(*place.members, (place.path, item)))
    return place


def _is_tag(item: str | int, place: Place) -> bool:
    """Return whether it is the tag that decides the type of an object: of the union itself, or of its member."""
    names = [name for each in (place.schema, *alternatives(place.schema)) if (name := tag_name(each)) is not None]
    return is_object(place.value) and any(place.value.get(name) == item for name in names)
