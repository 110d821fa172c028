"""YAML that a stranger sent, read as the plain data that JSON has.

The text is first gone through event by event, which builds nothing: so what would take much memory or time, or means
something else to different readers, is refused before it is built.

1. Nesting is limited; and the number of values, with what an alias stands for counted each time it is used, or a few
   lines could stand for thousands of millions of values.
2. A key given twice is refused, and so are tags, which name types that JSON does not have.
3. Then it is built, dates and numbers to the base of 60 staying the text they are written as.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import yaml
from pydantic import JsonValue

from edgepress_common.errors import InvalidInputError

MAX_DEPTH = 32  # a spec is seven deep
_MAX_VALUES = 100_000  # a spec of 200 pipelines with all their stages and exports written out has some 20,000

_TIMESTAMP, _INTEGER, _FLOAT = (f"tag:yaml.org,2002:{name}" for name in ("timestamp", "int", "float"))


class MalformedBodyError(InvalidInputError):
    """What was sent can't be read as what it is said to be."""


class _PlainLoader(yaml.CSafeLoader):
    """Knows no dates and no hours."""

    yaml_implicit_resolvers = {  # noqa: RUF012  PyYAML's name and type for it
        first: [(tag, pattern) for tag, pattern in resolvers if tag != _TIMESTAMP]
        for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
    }


def _construct_number(loader: _PlainLoader, node: yaml.ScalarNode) -> str | int | float:
    """A number, but not what YAML 1.1 takes for hours and minutes: 2:4 is a pattern of zeros, not 124."""
    text = str(loader.construct_scalar(node))
    if ":" in text:
        return text
    return loader.construct_yaml_int(node) if node.tag == _INTEGER else loader.construct_yaml_float(node)


for _tag in (_INTEGER, _FLOAT):
    _PlainLoader.add_constructor(_tag, _construct_number)


def parse_yaml(text: str) -> JsonValue:
    """The data that a YAML text stands for.

    Raises:
        MalformedBodyError: It is not YAML, or more than plain data.
    """
    try:
        _go_through(yaml.parse(text, Loader=_PlainLoader))
        value: JsonValue = yaml.load(text, Loader=_PlainLoader)  # noqa: S506  a safe loader, with less
    except yaml.MarkedYAMLError as error:
        place = f" in line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise MalformedBodyError(f"not YAML: {error.problem or error.context}{place}") from None
    except (yaml.YAMLError, ValueError) as error:  # a number of thousands of digits is a ValueError
        raise MalformedBodyError(f"not YAML: {str(error).splitlines()[0]}") from None
    return value


@dataclass
class _Open:
    """A list or mapping whose end has not been seen.

    Attributes:
        anchor: Its name, if aliases may refer to it.
        keys: The keys so far; None for a list.
        key_next: Whether the next value is a key.
        values: How many it holds, itself included.
    """

    anchor: str | None = None
    keys: set[str] | None = None
    key_next: bool = True
    values: int = 1


@dataclass
class _Tally:
    open: list[_Open] = field(default_factory=lambda: [_Open()])
    anchored: dict[str, int] = field(default_factory=dict)

    def add(self, values: int, scalar: str | None, line: int) -> None:
        """Counts a value into the innermost open list or mapping."""
        inside = self.open[-1]
        inside.values += values
        if sum(holder.values for holder in self.open) > _MAX_VALUES:
            raise MalformedBodyError(
                f"stands for more than {_MAX_VALUES} values; accepted: that many, aliases included"
            )
        if inside.keys is None:
            return
        if inside.key_next and scalar is not None:
            if scalar in inside.keys:
                raise MalformedBodyError(
                    f"{scalar!r:.60} is given twice, again in line {line}; accepted: each key once"
                )
            inside.keys.add(scalar)
        inside.key_next = not inside.key_next


def _go_through(events: Iterator[yaml.Event]) -> None:
    tally = _Tally()
    for event in events:
        line = event.start_mark.line + 1 if event.start_mark else 0
        match event:
            case yaml.AliasEvent():
                if event.anchor not in tally.anchored:
                    raise MalformedBodyError(f"*{event.anchor:.60} in line {line} refers to nothing that is complete")
                tally.add(tally.anchored[event.anchor], None, line)
            case yaml.ScalarEvent():
                _refuse_tag(event.tag, line)
                tally.add(1, event.value, line)
                if event.anchor:
                    tally.anchored[event.anchor] = 1
            case yaml.SequenceStartEvent() | yaml.MappingStartEvent():
                _refuse_tag(event.tag, line)
                tally.open.append(_Open(event.anchor, set() if isinstance(event, yaml.MappingStartEvent) else None))
                if len(tally.open) > MAX_DEPTH:
                    raise MalformedBodyError(f"is nested more than {MAX_DEPTH} deep in line {line}")
            case yaml.SequenceEndEvent() | yaml.MappingEndEvent():
                closed = tally.open.pop()
                if closed.anchor:
                    tally.anchored[closed.anchor] = closed.values
                tally.add(closed.values, None, line)


def _refuse_tag(tag: str | None, line: int) -> None:
    if tag not in {None, "!"}:
        raise MalformedBodyError(f"has the tag {tag:.60} in line {line}; accepted: plain values")
