"""docs/methods.md describes methods and exports as the API does, and its rules for orders of stages are correct."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel, TypeAdapter

from edgepress_common.documentation import with_current_parts
from edgepress_common.spec import (
    EXPORTS,
    METHODS,
    ConstantSchedule,
    LayerSelection,
    PatternSchedule,
    PolynomialSchedule,
    Stage,
)
from edgepress_common.spec.order import check_order

PAGE = (Path(__file__).parents[2] / "docs" / "methods.md").read_text()

DESCRIBED: dict[str, type[BaseModel]] = {kind: method.parameters for kind, method in METHODS.items()} | {
    "constant": ConstantSchedule,
    "polynomial": PolynomialSchedule,
    "pattern": PatternSchedule,
    "layers": LayerSelection,
}


def section(heading: str) -> str:
    """Return the text from a heading, given by its beginning, to the next heading."""
    (found,) = re.findall(rf"^##+ {re.escape(heading)}.*\n((?:(?!##+ ).*\n)*)", PAGE, re.MULTILINE)
    return str(found)


def words(text: str) -> str:
    """A text without its line breaks and the marks of what is generated."""
    return " ".join(re.sub(r"<!--.*?-->", "", text).split())


def tables(text: str) -> list[list[list[str]]]:
    """The cells of each table, its head left out."""
    found = re.findall(r"^\|.*\n\|[-|: ]+\n((?:\|.*\n)*)", text, re.MULTILINE)
    return [[[cell.strip() for cell in row.strip("|").split("|")] for row in rows.splitlines()] for rows in found]


def unquoted(cell: str) -> str:
    """Return the text of a cell without its code marks."""
    return cell.strip("`")


def test_what_follows_from_declarations_is_current() -> None:
    """``make docs`` changes nothing."""
    assert with_current_parts(PAGE) == PAGE


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_a_method_is_described_word_for_word(method: Any) -> None:
    """The page has the description that ``GET /v1/methods`` returns."""
    text = words(section(f"`{method.kind}`: {method.title}"))
    assert text.startswith(method.summary)
    assert f"**Limits.** {method.limits} " in text
    assert f"**Cost.** {method.cost} " in text
    assert (f"**Paper.** {method.paper} " in text) if method.paper else ("**Paper.**" not in text)


@pytest.mark.parametrize("export", EXPORTS.values(), ids=EXPORTS)
def test_an_export_is_described_word_for_word(export: Any) -> None:
    """The page has the description that ``GET /v1/exports`` returns."""
    text = words(section(f"`{export.kind}`: {export.title}"))
    assert text == words(f"{export.summary} **Paper.** {export.paper}" if export.paper else export.summary)


@pytest.mark.parametrize("name", DESCRIBED)
def test_all_parameters_are_listed_with_their_defaults(name: str) -> None:
    """Each parameter has a row; writing its default explicitly changes nothing."""
    parameters = DESCRIBED[name]
    ((*rows,),) = tables(section(f"`{name}`"))
    assert {unquoted(row[0]) for row in rows} == set(parameters.model_fields) - {"kind"}
    for field, default, meaning in rows:
        written = {unquoted(field): yaml.safe_load(unquoted(default))}
        assert parameters.model_validate(written) == parameters(), field
        assert meaning


def test_all_parameters_of_exports_are_listed_with_their_defaults() -> None:
    """Each parameter is listed with the exports that have it."""
    listed = {kind: {"kind"} for kind in EXPORTS}
    for field, default, exports, meaning in tables(section("Parameters of exports"))[0]:
        for kind in EXPORTS if exports == "all" else re.findall(r"`(\w+)`", exports):
            parameters = EXPORTS[kind].parameters
            assert parameters.model_validate({unquoted(field): yaml.safe_load(unquoted(default))}) == parameters(
                kind=kind
            )
            listed[kind].add(unquoted(field))
        assert meaning
    assert listed == {kind: set(export.parameters.model_fields) for kind, export in EXPORTS.items()}


def stages(cell: str) -> list[Stage]:
    """The stages of an order, as in ```` `prune` → `cluster` ````."""
    written = [{"kind": unquoted(kind.strip())} for kind in cell.split("→")]
    return TypeAdapter(list[Stage]).validate_python(written)


def test_what_is_said_to_compose_composes_and_what_is_said_to_be_refused_is_refused() -> None:
    """The error names the accepted order in the documentation."""
    _, composing, refused = tables(section("What composes with what"))
    for order, _ in composing:
        check_order(stages(order))
    for order, _, accepted in refused:
        with pytest.raises(ValueError, match=rf"^stages\[1\] .*; accepted: {re.escape(accepted)}$"):
            check_order(stages(order))
