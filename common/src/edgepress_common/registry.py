"""Registries of methods, exports and data set kinds: one file per declaration.

All three have the same form:

1. A package holds one module per kind, named after the kind (``nct-crc-he`` is ``nct_crc_he.py``). The module defines
   the kind's parameters and exactly one descriptor.
2. `Registry` imports every module of the package and keeps the descriptors by kind, in their declared order.
3. The setting ``EDGEPRESS_EXTENSIONS`` names folders, separated by colons. Their subfolders join the packages: a file
   in ``<folder>/methods/`` is a module of `edgepress_common.spec.methods`, a file in ``<folder>/worker/methods/`` a
   module of ``edgepress_worker.methods``, and so on.

Figures (`edgepress_common.figures`) are declared in the same way, but a file may declare a family of figures, and
figures have no parameters: `declarations` finds them.

The types of a spec are built from the registries at import, so this setting is read from the environment directly. The
gateway, the scheduler and the workers must have the same value.
"""

import importlib
import os
import pkgutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar, Union

from pydantic import Field

from edgepress_common.frozen import Frozen, MaybeUnknown

EXTENSIONS = "EDGEPRESS_EXTENSIONS"


class DeclarationError(ImportError):
    """A declaration that can't be used. The message starts with its file."""


class Descriptor(Frozen):
    """The declaration of one kind.

    Attributes:
        kind: Name in a spec.
        title: Display name.
        summary: What it does and when to use it, in one paragraph.
        parameters: Model of its parameters; the field ``kind`` has the kind as its default.
        position: Position in lists, ascending; kinds without one come last.
        code_version: Version of the code that runs the kind, a part of the key of its steps. Increase it when the same
            input results in another output, so that earlier results of this kind are not reused.
    """

    kind: str
    title: str
    summary: str
    parameters: type[Frozen]
    position: int = 1000
    code_version: int = Field(default=1, ge=1)


DescriptorT = TypeVar("DescriptorT", bound=Descriptor)


class Registry(Mapping[str, DescriptorT]):
    """The descriptors of a package, by kind.

    Args:
        descriptor: Class of the descriptors.
        package: Name of the package.
        path: The package's ``__path__``; the extension folders are appended to it.
        folder: Subfolder of an extension folder that belongs to the package.

    Raises:
        DeclarationError: A module can't be imported, declares no kind or several, or has the wrong name.
    """

    def __init__(self, descriptor: type[DescriptorT], *, package: str, path: list[str], folder: str) -> None:
        join_extensions(path, folder)
        found = [_descriptor(file, f"{package}.{name}", descriptor) for name, file in _modules(path).items()]
        self._by_kind = {each.kind: each for each in sorted(found, key=lambda each: (each.position, each.kind))}

    def __getitem__(self, kind: str) -> DescriptorT:
        return self._by_kind[kind]

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_kind)

    def __len__(self) -> int:
        return len(self._by_kind)

    def parameters_union(self) -> Any:
        """Return the type of "the parameters of any kind", discriminated by the field ``kind``."""
        union: Any = Union[tuple(each.parameters for each in self.values())]  # noqa: UP007 - of a computed tuple
        return MaybeUnknown[Annotated[union, Field(discriminator="kind")]]  # type: ignore[misc]  # likewise


DeclaredT = TypeVar("DeclaredT")


def declarations(
    declared: type[DeclaredT], *, package: str, path: list[str], folder: str
) -> list[tuple[Path, DeclaredT]]:
    """Return everything of a class that the modules of a package and of the extension folders declare, with its file.

    Args:
        declared: The class. Each module declares at least one of it, under a public name.
        package: Name of the package.
        path: The package's ``__path__``; the extension folders are appended to it.
        folder: Subfolder of an extension folder that belongs to the package.

    Raises:
        DeclarationError: A module can't be imported, or declares nothing.
    """
    join_extensions(path, folder)
    found: list[tuple[Path, DeclaredT]] = []
    for name, file in _modules(path).items():
        members = _members(file, f"{package}.{name}")
        here = [value for key, value in members.items() if isinstance(value, declared) and not key.startswith("_")]
        if not here:
            raise DeclarationError(f"{file}: declares no {declared.__name__}; accepted: at least one")
        found += [(file, each) for each in here]
    return found


def module_name(kind: str) -> str:
    """Return the name of the module that belongs to a kind."""
    return kind.replace("-", "_")


def join_extensions(path: list[str], folder: str) -> None:
    """Append the subfolders of the extension folders to a package's ``__path__``."""
    path += [str(each / folder) for each in extension_folders() if (each / folder).is_dir()]


def extension_folders() -> Iterator[Path]:
    """Yield the folders that ``EDGEPRESS_EXTENSIONS`` names.

    Raises:
        DeclarationError: One of them does not exist.
    """
    for name in filter(None, os.environ.get(EXTENSIONS, "").split(":")):
        folder = Path(name).resolve()
        if not folder.is_dir():
            raise DeclarationError(f"{EXTENSIONS} names {name!r}, which is not a folder")
        yield folder


def _modules(path: Iterable[str]) -> dict[str, Path]:
    """Return the files of a package's modules, by name."""
    files: dict[str, Path] = {}
    for folder in path:
        for module in pkgutil.iter_modules([folder]):
            file = Path(folder) / f"{module.name}.py"
            if module.name in files:
                raise DeclarationError(f"{file}: {files[module.name]} already declares a kind of this name")
            files[module.name] = file
    return files


def _members(file: Path, module: str) -> dict[str, Any]:
    """Return what a module defines."""
    try:
        return vars(importlib.import_module(module))
    except Exception as error:
        raise DeclarationError(f"{file}: {type(error).__name__}: {error}") from error


def _descriptor(file: Path, module: str, descriptor: type[DescriptorT]) -> DescriptorT:
    found = [value for value in _members(file, module).values() if isinstance(value, descriptor)]
    if len(found) != 1:
        raise DeclarationError(f"{file}: declares {len(found)} of {descriptor.__name__}; accepted: exactly one")
    (declared,) = found
    if module_name(declared.kind) != file.stem:
        raise DeclarationError(
            f"{file}: declares the kind {declared.kind!r}; accepted: a kind of the file's name, {file.stem!r}"
        )
    kind = declared.parameters.model_fields.get("kind")
    if kind is None or kind.default != declared.kind:
        raise DeclarationError(
            f"{file}: {declared.parameters.__name__} needs a field kind: Literal[{declared.kind!r}] = {declared.kind!r}"
        )
    return declared
