"""The JSON Schema of a spec, for forms, editors and the reference in docs/spec.md."""

from collections.abc import Iterator, Mapping
from typing import Any

from edgepress_common.spec.job import JobSpec

Node = dict[str, Any]


def spec_schema() -> Node:
    """Return the JSON Schema of a spec (draft 2020-12)."""
    schema = JobSpec.model_json_schema()
    require_tags(schema, schema["$defs"])
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def require_tags(document: Node, schemas: Mapping[str, Node]) -> None:
    """Require the tag in each member of each union, as pydantic does when it parses one.

    Args:
        document: The document in which unions are searched.
        schemas: The schemas that unions refer to, by name; changed in place.
    """
    for union in _unions(document):
        tag = union["propertyName"]
        for reference in union["mapping"].values():
            member = schemas[reference.rpartition("/")[2]]
            member["properties"][tag].pop("default", None)
            required = member.setdefault("required", [])
            if tag not in required:
                required.insert(0, tag)


def _unions(node: object) -> Iterator[Node]:
    match node:
        case dict():
            if "mapping" in node.get("discriminator", ()):
                yield node["discriminator"]
            for child in node.values():
                yield from _unions(child)
        case list():
            for child in node:
                yield from _unions(child)
