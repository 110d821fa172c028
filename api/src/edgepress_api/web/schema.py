"""Reads JSON Schemas: finds the alternative that a value was meant for, and describes in words what is accepted.

It supports the keywords that pydantic and FastAPI write: ``anyOf``, ``oneOf`` with a ``discriminator``, and the simple
keywords. References are replaced by what they refer to.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeGuard

from pydantic import JsonValue

from edgepress_common.pattern_words import pattern_in_words

Schema = Mapping[str, Any]

_LONGEST_LIST = 60  # names listed in a message; more are left out
_NUMBER = {"integer", "number"}
_TYPES = {bool: {"boolean"}, str: {"string"}, int: _NUMBER, float: _NUMBER, list: {"array"}, dict: {"object"}}
_BOUNDS = {"minimum": "at least", "exclusiveMinimum": "above", "maximum": "at most", "exclusiveMaximum": "below"}


def without_references(node: Any, document: Schema) -> Any:
    """Return a schema in which each reference, also of a discriminator, is replaced by what it refers to.

    Args:
        node: The schema: a part of the document.
        document: The document. It must not contain a schema that refers to itself.
    """
    match node:
        case {"$ref": reference}:
            return without_references(reference, document)
        case dict():
            return {name: without_references(value, document) for name, value in node.items()}
        case list():
            return [without_references(item, document) for item in node]
        case str() if node.startswith("#/"):
            target: Any = document
            for name in node.removeprefix("#/").split("/"):
                target = target[name]
            return without_references(target, document)
        case _:
            return node


def alternatives(schema: Schema) -> list[Schema]:
    """Return the alternatives of a schema, without null."""
    found = schema.get("anyOf") or schema.get("oneOf") or ()
    return [option for option in found if option.get("type") != "null"]


def tag_name(schema: Schema) -> str | None:
    """Return the field that identifies the alternative; None if there is none."""
    name: str | None = schema.get("discriminator", {}).get("propertyName")
    return name


def meant_for(schema: Schema, value: object) -> Schema:
    """Return the alternative that a value was meant for, by its type or tag; the schema itself if that is not clear."""
    if name := tag_name(schema):
        tag = value.get(name) if is_object(value) else None
        tagged: Schema = schema["discriminator"]["mapping"].get(tag, schema) if isinstance(tag, str) else schema
        return tagged
    options = alternatives(schema)
    fitting = [each for each in options if _fits(each, value)] or (options if len(options) == 1 else [])
    return meant_for(max(fitting, key=lambda each: _common_fields(each, value)), value) if fitting else schema


def child(schema: Schema, name: str | int) -> Schema:
    """Return the schema of a field or an item; one that accepts anything if the field is not known."""
    found: Schema = schema.get("items", {}) if isinstance(name, int) else schema.get("properties", {}).get(name, {})
    return found


def is_object(value: object) -> TypeGuard[dict[str, JsonValue]]:
    """Return whether a value is an object of JSON."""
    return isinstance(value, dict)


def accepted(schema: Schema) -> str:
    """Return what is accepted, in words."""
    if name := tag_name(schema):
        return f"an object whose {name} is one of {listed(schema['discriminator']['mapping'])}"
    if options := alternatives(schema):
        return ", or ".join(dict.fromkeys(map(accepted, options)))
    if "const" in schema:
        return str(schema["const"])
    return listed(schema["enum"]) if "enum" in schema else " ".join(_words(schema))


def listed(names: Sequence[object] | Mapping[str, object]) -> str:
    """Return names, separated by commas."""
    shown = [str(name) for name in names]
    return ", ".join([*shown[:_LONGEST_LIST], "..."] if len(shown) > _LONGEST_LIST else shown)


def _fits(schema: Schema, value: object) -> bool:
    return schema.get("type") in _TYPES.get(type(value), ()) or (is_object(value) and tag_name(schema) is not None)


def _common_fields(schema: Schema, value: object) -> int:
    return len(set(schema.get("properties", ())) & set(value)) if is_object(value) else 0


def _words(schema: Schema) -> Iterator[str]:
    match schema.get("type"):
        case "integer":
            yield f"an integer{_range(schema)}"
        case "number":
            yield f"a number{_range(schema)}"
        case "boolean":
            yield "true or false"
        case "string":
            form = f": {pattern_in_words(schema['pattern'])}" if "pattern" in schema else ""
            yield f"text{_length(schema, 'Length', ' characters')}{form}"
        case "array":
            yield f"a list{_length(schema, 'Items', '')}"
        case "object":
            yield f"an object with {listed(schema['properties'])}" if schema.get("properties") else "an object"
        case _:
            yield "any value"
    if "description" in schema and schema.get("type") in _NUMBER | {"string"}:
        yield f"({schema['description'].rstrip('.')})"


def _range(schema: Schema) -> str:
    # FastAPI writes every bound with a point.
    bounds = {name: str(schema[name]).removesuffix(".0") for name in _BOUNDS if name in schema}
    if {"minimum", "maximum"} <= set(bounds):
        return f" from {bounds['minimum']} to {bounds['maximum']}"
    words = " and ".join(f"{_BOUNDS[name]} {bound}" for name, bound in bounds.items())
    return f" {words}" if words else ""


def _length(schema: Schema, what: str, unit: str) -> str:
    match schema.get(f"min{what}"), schema.get(f"max{what}"):
        case None, None:
            return ""
        case None, most:
            return f" of at most {most}{unit}"
        case least, None:
            return f" of at least {least}{unit}"
        case least, most:
            return f" of {least} to {most}{unit}"
