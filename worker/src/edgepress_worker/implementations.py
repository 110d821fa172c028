"""The worker's side of a registry: the implementation of each kind, one module per kind, imported when it is needed.

A module is named after its kind and defines its implementation under a fixed name: ``RUNNER`` for a method,
``EXPORTER`` for an export, ``SOURCE`` for a data set kind. There is no other list of them. Extension folders join the
package, see `edgepress_common.registry`.
"""

import importlib
from typing import Generic, TypeVar, cast

from edgepress_common.errors import StepFailedError
from edgepress_common.registry import join_extensions, module_name

ImplementationT = TypeVar("ImplementationT")


class Implementations(Generic[ImplementationT]):
    """The implementations in a package, by kind.

    Args:
        package: Name of the package.
        path: The package's ``__path__``; the extension folders are appended to it.
        folder: Subfolder of an extension folder that belongs to the package.
        name: Name of the implementation in each module.
    """

    def __init__(self, package: str, path: list[str], *, folder: str, name: str) -> None:
        join_extensions(path, folder)
        self._package = package
        self._name = name

    def __getitem__(self, kind: str) -> ImplementationT:
        """Return the implementation of a kind.

        Raises:
            StepFailedError: This worker does not have an implementation of the kind.
        """
        module = f"{self._package}.{module_name(kind)}"
        try:
            return cast(ImplementationT, getattr(importlib.import_module(module), self._name))
        except ModuleNotFoundError as error:
            if error.name != module:
                raise
            raise StepFailedError(f"this worker has no {module}, which {kind!r} needs") from error
        except AttributeError as error:
            raise StepFailedError(f"{module} defines no {self._name}, which {kind!r} needs") from error
