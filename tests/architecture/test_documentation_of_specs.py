"""docs/spec.md is what the types of a spec say, and its examples are valid."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator
from pydantic import BaseModel

import edgepress_common.spec
from edgepress_common.frozen import Frozen
from edgepress_common.spec.examples import EXAMPLES
from edgepress_common.spec.json_schema import spec_schema
from edgepress_common.spec.reference import objects, spec_page

PAGE = Path(__file__).parents[2] / "docs" / "spec.md"


def _models(base: type[BaseModel]) -> Iterator[type[BaseModel]]:
    for model in base.__subclasses__():
        if model.__module__.startswith(f"{edgepress_common.spec.__name__}."):
            yield model
        yield from _models(model)


MODELS = {model.__name__: model for model in _models(Frozen)}


def test_the_page_of_specs_is_current() -> None:
    """It is generated, and committed."""
    assert PAGE.read_text() == spec_page(), "docs/spec.md is not current: run 'make docs' and commit it"


def test_every_object_has_an_example_and_every_field_a_meaning() -> None:
    """The page has no empty cell where a reader looks for the meaning."""
    assert set(EXAMPLES) == set(objects())
    assert [line for line in spec_page().splitlines() if line.startswith("| `") and line.endswith("| |")] == []
    described = {name: schema["properties"] for name, schema in objects().items()}
    assert [
        (name, field)
        for name, fields in described.items()
        for field, schema in fields.items()
        if "description" not in schema and "const" not in schema
    ] == []


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_is_valid(name: str) -> None:
    """The schema and the type accept it, and no field has its default, which would show nothing."""
    example = yaml.safe_load(EXAMPLES[name])
    schema = spec_schema()
    whole = schema if name == "JobSpec" else {"$defs": schema["$defs"], "$ref": f"#/$defs/{name}"}
    Draft202012Validator(whole).validate(example)
    parsed = MODELS[name].model_validate(example)
    assert set(example) == parsed.model_fields_set
    changed = {*parsed.model_dump(exclude_defaults=True), "kind", "architecture"}
    assert set(example) <= changed
