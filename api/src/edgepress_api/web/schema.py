"""Reads JSON Schema as documentation: which part of it a place in a document falls under, and what that part accepts.

Only what pydantic and FastAPI write is understood: ``$ref`` within the document, ``anyOf``, ``oneOf`` with a
``discriminator``, and the plain keywords.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeGuard

from pydantic import JsonValue

_LONGEST_LIST = 60  # names that can still be read; more are cut


@dataclass(frozen=True)
class Schema:
    """A part of a schema.

    Attributes:
        document: All of it, which references are looked up in.
        node: The part.
    """

    document: Mapping[str, Any]
    node: Mapping[str, Any]

    def resolved(self) -> "Schema":
        """The part that a reference refers to; itself if it is none."""
        reference = self.node.get("$ref")
        if reference is None:
            return self
        node: Any = self.document
        for name in reference.removeprefix("#/").split("/"):
            node = node[name]
        return Schema(self.document, node).resolved()

    def for_value(self, value: object) -> "Schema":
        """The alternative that a value was meant for, by its type or its tag; itself if that can't be told."""
        here = self.resolved()
        options = here.options()
        if not options:
            return here
        if here.tag_name is not None:
            return here.tagged(value) or here
        fitting = [option for option in options if option.fits(value)]
        chosen = fitting[0] if fitting else options[0] if len(options) == 1 else None
        return here if chosen is None else chosen.for_value(value)

    def options(self) -> "list[Schema]":
        """The alternatives, null left out."""
        found: Sequence[Mapping[str, Any]] = self.node.get("anyOf") or self.node.get("oneOf") or ()
        options = [Schema(self.document, option).resolved() for option in found]
        return [option for option in options if option.node.get("type") != "null"]

    @property
    def tag_name(self) -> str | None:
        """The field that tells the alternatives apart, if one does."""
        discriminator = self.node.get("discriminator")
        return None if discriminator is None else discriminator["propertyName"]

    @property
    def tags(self) -> tuple[str, ...]:
        """What that field can be."""
        return tuple(self.node["discriminator"]["mapping"])

    def tagged(self, value: object) -> "Schema | None":
        """The alternative whose tag a value bears."""
        tag = value.get(self.tag_name or "") if is_object(value) else None
        reference = self.node["discriminator"]["mapping"].get(tag) if isinstance(tag, str) else None
        return None if reference is None else Schema(self.document, {"$ref": reference}).resolved()

    @property
    def properties(self) -> tuple[str, ...]:
        """The fields of an object."""
        return tuple(self.node.get("properties", ()))

    def child(self, name: str | int) -> "Schema":
        """What a field or an item falls under; what accepts anything if there is no such field."""
        node = self.node.get("items", {}) if isinstance(name, int) else self.node.get("properties", {}).get(name, {})
        return Schema(self.document, node)

    def fits(self, value: object) -> bool:
        """Whether a value is at least of the right type."""
        match value:
            case bool():
                return self.node.get("type") == "boolean"
            case str():
                return self.node.get("type") == "string"
            case int() | float():
                return self.node.get("type") in {"integer", "number"}
            case list() | tuple():
                return self.node.get("type") == "array"
            case dict():
                return self.node.get("type") == "object" or self.tag_name is not None
            case _:
                return False

    def accepted(self) -> str:
        """What is accepted, in words."""
        here = self.resolved()
        node = here.node
        if here.tag_name is not None:
            return f"an object whose {here.tag_name} is one of {_listed(here.tags)}"
        if options := here.options():
            return ", or ".join(dict.fromkeys(option.accepted() for option in options))
        if "const" in node:
            return str(node["const"])
        if "enum" in node:
            return _listed(node["enum"])
        return " ".join(_words(here))


def is_object(value: object) -> TypeGuard[dict[str, JsonValue]]:
    """Whether a value is what JSON calls an object."""
    return isinstance(value, dict)


def _words(schema: Schema) -> Iterator[str]:
    node = schema.node
    match node.get("type"):
        case "integer":
            yield f"an integer{_range(node)}"
        case "number":
            yield f"a number{_range(node)}"
        case "boolean":
            yield "true or false"
        case "string":
            yield f"text{_length(node, 'Length', ' characters')}"
            if "pattern" in node:
                yield f"matching {node['pattern']}"
        case "array":
            yield f"a list{_length(node, 'Items', '')}"
        case "object":
            yield f"an object with {_listed(schema.properties)}" if schema.properties else "an object"
        case _:
            yield "any value"
    if "description" in node and node.get("type") in {"string", "integer", "number"}:
        yield f"({node['description'].rstrip('.')})"


def _range(node: Mapping[str, Any]) -> str:
    bounds = (
        ("minimum", "at least"),
        ("exclusiveMinimum", "above"),
        ("maximum", "at most"),
        ("exclusiveMaximum", "below"),
    )
    found = {name: f"{words} {_number(node[name])}" for name, words in bounds if name in node}
    if "minimum" in found and "maximum" in found:
        return f" from {_number(node['minimum'])} to {_number(node['maximum'])}"
    return f" {' and '.join(found.values())}" if found else ""


def _number(value: float) -> str:
    # FastAPI writes every bound with a point.
    return str(int(value)) if float(value).is_integer() else str(value)


def _length(node: Mapping[str, Any], what: str, unit: str) -> str:
    least, most = node.get(f"min{what}"), node.get(f"max{what}")
    if least is not None and most is not None:
        return f" of {least} to {most}{unit}"
    if most is not None:
        return f" of at most {most}{unit}"
    return f" of at least {least}{unit}" if least is not None else ""


def _listed(names: Sequence[object]) -> str:
    shown = [str(name) for name in names[:_LONGEST_LIST]]
    return ", ".join(shown) + (", ..." if len(names) > _LONGEST_LIST else "")
