"""Rewrites the schemas of the OpenAPI document so that client generators understand them; see decision 0025."""

import json
from typing import Any

from edgepress_common.spec.json_schema import require_tags

Node = dict[str, Any]


def for_generators(document: Node) -> Node:
    """Return a document whose schemas the common generators of clients accept.

    - What is sent has the name of its type, and an answer of the same type that differs has the suffix ``Output``.
    - The property that distinguishes the members of a union is required.
    - Defaults of properties are words: openapi-typescript would require a property that has one, and
      openapi-python-client omits an object whose property has an object as default.
    - A choice among numbers and words is a union of both: openapi-python-client omits an object that has a mixed one.
    """
    renamed = json.dumps(document).replace('-Output"', 'Output"').replace('-Input"', '"')
    document = json.loads(renamed)
    schemas: dict[str, Node] = document["components"]["schemas"]
    require_tags(document, schemas)
    for name, schema in schemas.items():
        schema["title"] = name  # which openapi-python-client names the class by
        for field in schema.get("properties", {}).values():
            field.pop("writeOnly", None)  # what is sent has a schema of its own
            _describe_default(field)
            _separate_choices(field)
    return document


def without_null(schema: Node) -> Node:
    """Return the schema of a parameter without null, which only a body can have."""
    options = [option for option in schema.get("anyOf", ()) if option.get("type") != "null"]
    if len(options) != 1:
        return schema
    only: Node = options[0]
    return only | {name: value for name, value in schema.items() if name != "anyOf"}


def _separate_choices(field: Node) -> None:
    choices = field.get("enum", [])
    words = [each for each in choices if isinstance(each, str)]
    if words and len(words) < len(choices):
        numbers = [each for each in choices if not isinstance(each, str)]
        del field["enum"]
        field["anyOf"] = [{"type": "integer", "enum": numbers}, {"type": "string", "enum": words}]


def _describe_default(field: Node) -> None:
    default = field.pop("default", None)
    if default is None or "const" in field or isinstance(default, dict):
        return
    words = f"Default: {json.dumps(default, ensure_ascii=False)}."
    field["description"] = f"{field['description']} {words}" if field.get("description") else words
