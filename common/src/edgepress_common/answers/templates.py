"""Templates of jobs, as the API lists them."""

from pydantic import JsonValue

from edgepress_common.frozen import Message


class JobTemplate(Message):
    """A spec to start from.

    Attributes:
        name: Its name, for programs.
        title: What it is for.
        summary: What its job does, in one sentence.
        text: The spec as YAML, with comments.
        spec: The same spec as data. What only the user knows is left out, such as the SHA-256 of an upload.
    """

    name: str
    title: str
    summary: str
    text: str
    spec: dict[str, JsonValue]


class TemplateList(Message):
    """All templates."""

    templates: tuple[JobTemplate, ...]
