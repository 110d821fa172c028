"""Writes the generated parts of docs/methods.md: ``python -m edgepress_common.documentation PAGE``.

A generated part is between ``<!-- generated: NAME -->`` and ``<!-- end -->``; everything else on the page is written by
hand. A part that is missing on the page is added after the last part of its sort.
"""

import json
import re
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from edgepress_common.promises import PROMISES
from edgepress_common.spec import EXPORTS, METHODS
from edgepress_common.spec.export import ExportFormat
from edgepress_common.spec.method import Method
from edgepress_common.spec.network_state import TRAITS

_WIDTH = 120
_SEE = {
    "layers": "See [which layers](#layers-which-layers)",
    "training": "See [`training`](using.md#a-spec)",
    "encoding": "See [below](#zeros-that-are-left-out)",
}
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PART = re.compile(r"<!-- generated: (?P<name>.*?) -->\n.*?<!-- end -->\n", re.DOTALL)


def generated_parts() -> dict[str, str]:
    """Return the text of each part by its name: a sort and a kind."""
    parts = {f"method {kind}": "\n\n".join(_method(method)) for kind, method in METHODS.items()}
    parts |= {f"export {kind}": "\n\n".join(_export(export)) for kind, export in EXPORTS.items()}
    return parts | {
        "table of traits": _table(("method", "gives", "keeps"), _traits()),
        "table of promises": _table(("promise", "made by", "what is verified in the file"), _promises()),
        "table of export parameters": _table(("parameter", "default", "exports", ""), _export_parameters()),
    }


def with_current_parts(page: str) -> str:
    """Return a page with all generated parts updated from the declarations."""
    parts = generated_parts()
    for name in parts:
        if f"<!-- generated: {name} -->" not in page:
            page = _with_part_added(page, name)

    def current(found: re.Match[str]) -> str:
        if found["name"] not in parts:
            return ""
        return f"<!-- generated: {found['name']} -->\n\n{parts[found['name']]}\n\n<!-- end -->\n"

    return _PART.sub(current, page)


def _with_part_added(page: str, name: str) -> str:
    sort = name.split(maxsplit=1)[0]
    ends = [part.end() for part in _PART.finditer(page) if part["name"].split()[0] == sort]
    end = ends[-1] if ends else len(page)
    return f"{page[:end]}\n<!-- generated: {name} -->\n<!-- end -->\n{page[end:]}"


def _method(method: Method) -> Iterator[str]:
    yield f"## `{method.kind}`: {method.title}"
    yield from _paragraphs(method.summary, Paper=method.paper, Limits=method.limits, Cost=method.cost)
    yield _parameter_table(method.parameters)
    for name, field in method.parameters.model_fields.items():
        for choice in _own_choices(field, method.parameters.__module__):
            kind = choice.model_fields.get("kind")
            yield f"### `{name}`" if kind is None else f"### `{kind.default}` {name}"
            yield from _paragraphs(*(" ".join(each.split()) for each in (choice.__doc__ or "").split("\n\n")))
            if choice.model_fields.keys() != {"kind"}:
                yield _parameter_table(choice)


def _export(export: ExportFormat) -> Iterator[str]:
    yield f"### `{export.kind}`: {export.title}"
    yield from _paragraphs(export.summary, Paper=export.paper)


def _paragraphs(*plain: str, **titled: str | None) -> Iterator[str]:
    paragraphs = [*plain, *(f"**{title}.** {text}" for title, text in titled.items() if text)]
    for paragraph in paragraphs:
        yield textwrap.fill(paragraph, _WIDTH, break_long_words=False, break_on_hyphens=False)


def _own_choices(field: FieldInfo, module: str) -> list[type[BaseModel]]:
    """Return the models that a field chooses among, if they belong to the same declaration."""
    return [each for each in get_args(field.annotation) if getattr(each, "__module__", None) == module]


def _parameter_table(model: type[BaseModel]) -> str:
    rows = [
        (f"`{name}`", f"`{_default(field)}`", _meaning(name, field))
        for name, field in model.model_fields.items()
        if name != "kind"
    ]
    return _table(("parameter", "default", ""), rows)


def _export_parameters() -> Iterator[tuple[str, ...]]:
    users: dict[tuple[str, str, str], list[str]] = {}
    for kind, export in EXPORTS.items():
        for name, field in export.parameters.model_fields.items():
            if name != "kind":
                users.setdefault((name, _default(field), _meaning(name, field)), []).append(f"`{kind}`")
    for (name, default, meaning), kinds in users.items():
        yield f"`{name}`", f"`{default}`", "all" if len(kinds) == len(EXPORTS) else ", ".join(kinds), meaning


def _traits() -> Iterator[tuple[str, ...]]:
    for kind, method in METHODS.items():
        gives = ", ".join(TRAITS[trait].noun for trait in sorted(method.gives))
        keeps = ", ".join(
            TRAITS[trait].noun + (f" (`{option}`)" if option else "") for trait, option in method.keeps.items()
        )
        yield f"`{kind}`", gives, "nothing: a new network" if method.starts_network else keeps


def _promises() -> Iterator[tuple[str, ...]]:
    for kind, words in PROMISES.items():
        exports = [f"`{name}`" for name, export in EXPORTS.items() if kind in export.promises]
        makers = [f"`{name}`" for name, method in METHODS.items() if kind in method.promises]
        kept = [f"stages that keep its {words.kept_by[1]}"] if words.kept_by else []
        exports = ["every export"] if len(exports) == len(EXPORTS) else [f"the export {each}" for each in exports]
        yield words.title, ", ".join([*makers, *kept, *exports]), words.verified


def _default(field: FieldInfo) -> str:
    return _yaml(field.get_default(call_default_factory=True))


def _yaml(value: Any) -> str:
    """Return a value as one line of YAML."""
    match value:
        case None | bool():
            return json.dumps(value)
        case float():
            return f"{value:g}"
        case str():
            return value if _PLAIN.fullmatch(value) else json.dumps(value)
        case BaseModel():
            kind = type(value).model_fields.get("kind")
            named = {} if kind is None else {"kind": kind.default}
            fields = named | {name: getattr(value, name) for name in _changed(value)}
            return "{" + ", ".join(f"{name}: {_yaml(each)}" for name, each in fields.items()) + "}"
        case tuple():
            return "[" + ", ".join(map(_yaml, value)) + "]"
        case _:
            return str(value)


def _changed(model: BaseModel) -> list[str]:
    return list(model.model_dump(exclude_defaults=True))


def _meaning(name: str, field: FieldInfo) -> str:
    """Return the meaning of a field, its accepted values and a link to details."""
    choices = get_args(field.annotation) if get_origin(field.annotation) is Literal else ()
    accepted = ", ".join(f"`{choice}`" for choice in choices) or _range(field)
    described = (field.description or "").rstrip(".").replace("null:", "`null`:")
    return " ".join(f"{part}." for part in (described, accepted, _SEE.get(name, "")) if part)


def _range(field: FieldInfo) -> str:
    words = {"ge": "{:,g} or more", "gt": "above {:,g}", "le": "{:,g} at most", "lt": "below {:,g}"}
    bounds = {
        name: bound for each in field.metadata for name in words if (bound := getattr(each, name, None)) is not None
    }
    if bounds.keys() == {"ge", "le"}:
        return f"{bounds['ge']:,g} to {bounds['le']:,g}"
    text = ", ".join(words[name].format(bound) for name, bound in bounds.items())
    return text[:1].upper() + text[1:]


def _table(head: tuple[str, ...], rows: Any) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    written = ["| " + " | ".join(line) + " |" for line in lines]
    written[1] = "|" + "---|" * len(head)
    return "\n".join(written).replace("|  |", "| |")


if __name__ == "__main__":
    page = Path(sys.argv[1])
    page.write_text(with_current_parts(page.read_text()))
