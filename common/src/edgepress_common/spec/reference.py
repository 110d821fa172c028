"""The page docs/spec.md, generated from the JSON Schema of a spec by ``make docs``: a table and example per object."""

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from edgepress_common.pattern_words import pattern_in_words
from edgepress_common.spec.examples import EXAMPLES
from edgepress_common.spec.json_schema import Node, spec_schema

_ROOT = "JobSpec"
_BEGIN = """\
# Reference of the spec

Every object of a spec, each with its fields and an example in YAML. A field without a default is required. Unknown
fields are rejected. [Using Edgepress](using.md#a-spec) explains specs by task, and [methods](methods.md) the methods.

`GET /v1/spec-schema` returns the same as JSON Schema. An editor with a YAML language server checks a spec as it is
written if the file begins with `# yaml-language-server: $schema=spec-schema.json`, the stored answer.

This page is generated from the declarations: `make docs`.
"""
_HEAD = "| field | type | default | range | meaning |\n|---|---|---|---|---|\n"
_WORDS = {"string": "text", "boolean": "`true` or `false`", "null": "`null`", "object": "object"}
_BOUNDS = (
    ("minimum", "{} or more"),
    ("exclusiveMinimum", "above {}"),
    ("maximum", "{} at most"),
    ("exclusiveMaximum", "below {}"),
)


def objects() -> dict[str, Node]:
    """Return the schema of each object of a spec by its name, in the order in which a reader meets them."""
    schema = spec_schema()
    known: Mapping[str, Node] = {_ROOT: schema, **schema["$defs"]}
    found: dict[str, Node] = {}

    def add(name: str) -> None:
        if name not in found:
            found[name] = known[name]
            for field in known[name]["properties"].values():
                for reference in _references(field):
                    add(reference)

    add(_ROOT)
    return found


def spec_page() -> str:
    """Return the page."""
    return _BEGIN + "".join(_section(name, schema) for name, schema in objects().items())


def _section(name: str, schema: Node) -> str:
    words = " ".join(schema.get("description", "").replace("``", "`").split())
    required = schema.get("required", ())
    rows = (_row(field, each, field in required) for field, each in schema["properties"].items())
    example = f"\n```yaml\n{EXAMPLES[name].strip()}\n```\n" if name in EXAMPLES else ""
    return f"\n## {name}\n\n{words}\n\n{_HEAD}{''.join(rows)}{example}"


def _row(name: str, field: Node, required: bool) -> str:  # noqa: FBT001 - of one table
    default = "" if required else f"`{_plain(field.get('default'))}`"
    meaning = _meaning(field)
    cells = (f"`{name}`", " or ".join(_types(field)), default, ", ".join(_ranges(field)), meaning)
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |\n".replace("  ", " ")


def _meaning(field: Node) -> str:
    words = str(field.get("description", "Selects this object." if "const" in field else "")).replace(
        "null:", "`null`:"
    )
    return words if not words or words.endswith(".") else f"{words}."


def _types(field: Node) -> Iterator[str]:
    options = field.get("anyOf") or field.get("oneOf")
    if options:
        for option in options:
            yield from _types(option)
    elif "$ref" in field:
        name = field["$ref"].rpartition("/")[2]
        yield f"[{name}](#{name.lower()})"
    elif "const" in field:
        yield f"`{field['const']}`"
    elif "enum" in field:
        yield ", ".join(f"`{value}`" for value in field["enum"])
    elif field["type"] == "array":
        yield f"list of {' or '.join(_types(field['items']))}"
    else:
        yield _WORDS.get(field["type"], str(field["type"]))


def _ranges(field: Node) -> Iterator[str]:
    for option in field.get("anyOf", ()):
        yield from _ranges(option)
    if "minimum" in field and "maximum" in field:
        yield f"{_number(field['minimum'])} to {_number(field['maximum'])}"
    else:
        yield from (words.format(_number(field[bound])) for bound, words in _BOUNDS if bound in field)
    for least, most, unit in (("minLength", "maxLength", "characters"), ("minItems", "maxItems", "items")):
        if most in field:
            yield f"{field.get(least, 0)} to {field[most]:,} {unit}"
    if "pattern" in field:
        yield pattern_in_words(field["pattern"])
    if "items" in field:
        yield from (f"each {words}" for words in _ranges(field["items"]))


def _number(value: float) -> str:
    return f"{int(value):,}" if float(value).is_integer() else f"{value:g}"


def _plain(value: Any) -> str:
    """Return a default as one line of YAML; an object by its tag, since its other fields have their own defaults."""
    match value:
        case dict():
            return json.dumps({name: each for name, each in value.items() if name in {"kind", "architecture"}}).replace(
                '"', ""
            )
        case str():
            return value
        case float() if value.is_integer():
            return str(int(value))
        case _:
            return json.dumps(value)


def _references(field: object) -> Iterator[str]:
    match field:
        case {"$ref": str(reference)}:
            yield reference.rpartition("/")[2]
        case dict():
            for child in field.values():
                yield from _references(child)
        case list():
            for child in field:
                yield from _references(child)


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(spec_page())
