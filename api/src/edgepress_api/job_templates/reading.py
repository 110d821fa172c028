"""Reads the templates.

A template is a file `specs/<name>.yaml` of two YAML documents: a head with its title, its summary in one sentence and
its position in the list, and below `---` the spec as its user gets it, with comments. What only the user knows, such as
the SHA-256 of an upload, is left out of the spec, and a comment says how to fill it in.
"""

from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

import yaml
from pydantic import JsonValue, TypeAdapter

from edgepress_common.answers.templates import JobTemplate, TemplateList
from edgepress_common.frozen import Frozen

_END_OF_HEAD = "\n---\n"
_SPEC: TypeAdapter[dict[str, JsonValue]] = TypeAdapter(dict[str, JsonValue])


class _Head(Frozen):
    title: str
    summary: str
    position: int


@cache
def list_templates() -> TemplateList:
    """Return all templates, in their order."""
    found = [_read(file) for file in (files(__package__) / "specs").iterdir()]
    return TemplateList(templates=tuple(template for _, template in sorted(found, key=lambda each: each[0])))


def _read(file: Traversable) -> tuple[int, JobTemplate]:
    head, _, text = file.read_text(encoding="utf-8").partition(_END_OF_HEAD)
    about = _Head.model_validate(yaml.safe_load(head))
    return about.position, JobTemplate(
        name=file.name.removesuffix(".yaml"),
        title=about.title,
        summary=about.summary,
        text=text,
        spec=_SPEC.validate_python(yaml.safe_load(text)),
    )
