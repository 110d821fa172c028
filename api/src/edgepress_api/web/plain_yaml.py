"""Reads untrusted YAML as plain data of the types that JSON has.

The events of the parser are checked first, without building any data. So a text that would take much memory or time,
or that parsers read differently, is rejected before it is built.

1. Limit the depth of nesting and the number of values. The target of an alias counts each time it is used; otherwise a
few lines could stand for billions of values.
2. Reject duplicate keys, and tags, which name types that JSON does not have.
3. Build the data. Dates and sexagesimal numbers stay text.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import yaml
from pydantic import JsonValue

from edgepress_common.errors import InvalidInputError

MAX_DEPTH = 32  # a spec is seven deep
_MAX_VALUES = 100_000  # a spec of 200 pipelines with all their stages and exports written out has about 20,000
MAX_CHARACTERS_OF_A_NUMBER = 400  # more than any float has digits

_TIMESTAMP, _INTEGER, _FLOAT = (f"tag:yaml.org,2002:{name}" for name in ("timestamp", "int", "float"))


class MalformedBodyError(InvalidInputError):
    """The body is not valid in the format that its Content-Type names."""


class _PlainLoader(yaml.CSafeLoader):
    """Loader without dates and sexagesimal numbers."""

    yaml_implicit_resolvers = {  # noqa: RUF012  PyYAML's name and type for it
        first: [(tag, pattern) for tag, pattern in resolvers if tag != _TIMESTAMP]
        for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
    }


def _construct_number(loader: _PlainLoader, node: yaml.ScalarNode) -> str | int | float:
    """Return a number. A sexagesimal number of YAML 1.1 stays text: 2:4 is a pattern of zeros, not 124."""
    text = str(loader.construct_scalar(node))
    # Python can't write a longer integer in decimal. As text, it is not accepted by numeric fields.
    if ":" in text or len(text) > MAX_CHARACTERS_OF_A_NUMBER:
        return text
    return loader.construct_yaml_int(node) if node.tag == _INTEGER else loader.construct_yaml_float(node)


# YAML 1.1 reads 1e-3 as text, since it has no point; YAML 1.2 reads it as a number, as users expect. PyYAML matches the
# beginning of a text, so the pattern has an end: the SHA-256 896e44e10deb... is not a number.
_PlainLoader.add_implicit_resolver(_FLOAT, re.compile(r"[-+]?[0-9]+[eE][-+]?[0-9]+\Z"), list("-+0123456789"))

for _tag in (_INTEGER, _FLOAT):
    _PlainLoader.add_constructor(_tag, _construct_number)


def parse_yaml(text: str) -> JsonValue:
    """Return the data of a YAML text.

    Raises:
        MalformedBodyError: It is not YAML, or not plain data.
    """
    try:
        _check(yaml.parse(text, Loader=_PlainLoader))
        value: JsonValue = yaml.load(text, Loader=_PlainLoader)  # noqa: S506  a safe loader, with less
    except yaml.MarkedYAMLError as error:
        place = f" in line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise MalformedBodyError(f"not YAML: {error.problem or error.context}{place}") from None
    except (yaml.YAMLError, ValueError) as error:  # a number of thousands of digits is a ValueError
        raise MalformedBodyError(f"not YAML: {str(error).splitlines()[0]}") from None
    return value


@dataclass
class _Open:
    """A list or mapping whose end has not been reached.

    Attributes:
        anchor: Its name, if aliases may refer to it.
        values_before: Number of values of the text before it.
        keys: The keys so far; None for a list.
        key_next: Whether the next value is a key.
    """

    anchor: str | None
    values_before: int
    keys: set[str] | None
    key_next: bool = True

    def add(self, event: yaml.NodeEvent, line: int) -> None:
        """Note the next key or value, which must not have a tag, nor be a key for the second time."""
        if (tag := getattr(event, "tag", None)) not in {None, "!"}:
            raise MalformedBodyError(f"has the tag {tag:.60} in line {line}; accepted: plain values")
        if self.keys is not None and self.key_next and isinstance(event, yaml.ScalarEvent):
            if event.value in self.keys:
                raise MalformedBodyError(
                    f"{event.value!r:.60} is given twice, again in line {line}; accepted: each key once"
                )
            self.keys.add(event.value)
        self.key_next = not self.key_next


def _check(events: Iterator[yaml.Event]) -> None:
    """Raise an error for a text that is too deep or too large, or has tags or duplicate keys."""
    opened = [_Open(None, 0, None)]
    values, anchored = 0, dict[str | None, int]()
    for event in events:
        line = event.start_mark.line + 1 if event.start_mark else 0
        if isinstance(event, yaml.NodeEvent):
            opened[-1].add(event, line)
        match event:
            case yaml.AliasEvent() if event.anchor not in anchored:
                raise MalformedBodyError(f"*{event.anchor:.60} in line {line} does not refer to a complete value")
            case yaml.AliasEvent():
                values += anchored[event.anchor]
            case yaml.ScalarEvent():
                values += 1
                anchored[event.anchor] = 1
            case yaml.CollectionStartEvent():
                opened.append(_Open(event.anchor, values, set() if isinstance(event, yaml.MappingStartEvent) else None))
                values += 1
            case yaml.CollectionEndEvent():
                closed = opened.pop()
                anchored[closed.anchor] = values - closed.values_before
        if len(opened) > MAX_DEPTH:
            raise MalformedBodyError(f"is nested more than {MAX_DEPTH} deep in line {line}")
        if values > _MAX_VALUES:
            raise MalformedBodyError(
                f"stands for more than {_MAX_VALUES} values; accepted: at most that many, including aliases"
            )
