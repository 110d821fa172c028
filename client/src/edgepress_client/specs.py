"""Reads a spec in one of its forms, to send it. Only the gateway validates its content."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Union

from pydantic import BaseModel

from edgepress_common.errors import InvalidInputError

if TYPE_CHECKING:
    from edgepress_common.spec import JobSpec


@dataclass(frozen=True)
class SpecDocument:
    """A spec as it is sent."""

    content: bytes
    media_type: Literal["application/json", "application/yaml"]


Spec = Union[SpecDocument, "JobSpec", Mapping[str, Any], str, Path]
"""A spec: as a file (JSON or YAML, by its path), as a dictionary, or as a `JobSpec`."""


def spec_document(spec: Spec) -> SpecDocument:
    """Return a spec as it is sent.

    Raises:
        InvalidInputError: The file can't be read.
    """
    match spec:
        case SpecDocument():
            return spec
        case BaseModel():  # a JobSpec, whose module takes longer to import than the rest of a command
            return SpecDocument(spec.model_dump_json().encode(), "application/json")
        case str() | Path():
            try:
                return spec_text(Path(spec).read_bytes())
            except OSError as error:
                raise InvalidInputError(
                    f"can't read {spec}: {error.strerror}; accepted: a file in JSON or YAML"
                ) from error
        case _:
            return SpecDocument(json.dumps(spec).encode(), "application/json")


def spec_text(content: bytes) -> SpecDocument:
    """Return the content of a file as a spec. YAML reads JSON too, but a JSON parser's errors are clearer."""
    return SpecDocument(content, "application/json" if content.lstrip()[:1] == b"{" else "application/yaml")
