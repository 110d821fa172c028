"""How declarations are found, and what is said of those that can't be used."""

import importlib
import itertools
import re
from pathlib import Path

import pytest

from edgepress_common.registry import EXTENSIONS, DeclarationError, Registry, module_name
from edgepress_common.spec import DATASET_KINDS, EXPORTS, METHODS
from edgepress_common.spec.export import ExportFormat

_NUMBERS = itertools.count()

DECLARATION = """
from typing import Literal
from edgepress_common.spec.export import ExportFormat, ExportParameters

class Parameters(ExportParameters):
    kind: Literal["KIND"] = "KIND"

EXPORT = ExportFormat(kind="KIND", title="t", summary="s", parameters=Parameters, position=POSITION)
"""


class Package:
    """A package of declarations, and a folder that extends it."""

    def __init__(self, folder: Path) -> None:
        self.name = f"declared_{next(_NUMBERS)}"
        self.own, self.extension = folder / self.name, folder / "extension" / "exports"
        for each in (self.own, self.extension):
            each.mkdir(parents=True)
        (self.own / "__init__.py").touch()

    def registry(self) -> Registry[ExportFormat]:
        """Return a registry of the declarations in the package."""
        path = importlib.import_module(self.name).__path__
        return Registry(ExportFormat, package=self.name, path=path, folder="exports")  # type: ignore[arg-type]


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Package:
    """One that can be imported."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv(EXTENSIONS, str(tmp_path / "extension"))
    return Package(tmp_path)


def declaration(kind: str, position: int = 1000) -> str:
    """The text of a file."""
    return DECLARATION.replace("KIND", kind).replace("POSITION", str(position))


def test_declarations_are_found_and_ordered(package: Package) -> None:
    """The order is by position, then by kind; declarations of an extension folder are included."""
    for folder, kind, position in (
        (package.own, "zeta", 10), (package.own, "beta", 1000), (package.extension, "a-kind", 1000)
    ):  # fmt: skip
        (folder / f"{module_name(kind)}.py").write_text(declaration(kind, position))
    registry = package.registry()
    assert list(registry) == ["zeta", "a-kind", "beta"]
    assert registry["a-kind"].parameters.__module__ == f"{package.name}.a_kind"


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("own", declaration("own"), "already declares a kind of this name"),
        ("other", declaration("another"), "declares the kind 'another'; accepted: a kind of the file's name, 'other'"),
        ("empty", "", "declares 0 of ExportFormat; accepted: exactly one"),
        ("twice", declaration("twice") + "AGAIN = EXPORT.model_copy()", "declares 2 of ExportFormat"),
        ("broken", "import nothing_of_this_name", "ModuleNotFoundError: No module named 'nothing_of_this_name'"),
        ("untitled", declaration("untitled").replace('title="t", ', ""), "ValidationError: 1 validation error"),
        ("unnamed", declaration("unnamed").replace('    kind: Literal["unnamed"] = "unnamed"', "    pass"),
         "Parameters needs a field kind: Literal['unnamed'] = 'unnamed'"),
    ],
)  # fmt: skip
def test_a_declaration_that_can_not_be_used_is_refused(package: Package, name: str, content: str, reason: str) -> None:
    """The error names its file, and what is wrong with it."""
    (package.own / "own.py").write_text(declaration("own"))
    (package.extension / f"{name}.py").write_text(content)
    file = re.escape(str(package.extension / f"{name}.py"))
    with pytest.raises(DeclarationError, match=rf"^{file}: .*{re.escape(reason)}"):
        package.registry()


def test_an_extension_folder_that_does_not_exist_is_refused(package: Package, monkeypatch: pytest.MonkeyPatch) -> None:
    """A misspelt setting is an error, not a missing method."""
    monkeypatch.setenv(EXTENSIONS, "/nowhere/at/all")
    with pytest.raises(DeclarationError, match="EDGEPRESS_EXTENSIONS names '/nowhere/at/all', which is not a folder"):
        package.registry()


@pytest.mark.parametrize("registry", [METHODS, EXPORTS, DATASET_KINDS], ids=["methods", "exports", "data sets"])
def test_what_edgepress_brings_has_an_order_of_its_own(registry: Registry[ExportFormat]) -> None:
    """Lists do not fall back on the alphabet."""
    positions = [each.position for each in registry.values()]
    assert positions == sorted(set(positions))
    assert max(positions) < 1000
