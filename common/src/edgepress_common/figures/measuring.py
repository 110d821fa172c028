"""Finds the functions that measure figures without a field of their own, one file for each figure.

A file ``<name>.py`` in the package of an evaluator or a worker, or in the matching folder of an extension folder,
measures the figure of that name and defines ``measure``. A device that does not have the file does not measure the
figure: its value is then unknown there.
"""

import importlib
import pkgutil
from collections.abc import Callable
from typing import Any

from edgepress_common.figures.declared import FIGURES
from edgepress_common.figures.figure import Measured, ResultName
from edgepress_common.registry import DeclarationError, join_extensions


def find_measurers(by: ResultName, *, package: str, path: list[str], folder: str) -> dict[str, Callable[[Any], float]]:
    """Return the function that measures each figure, by name.

    Args:
        by: Result that the figures are declared to be read from.
        package: Name of the package.
        path: The package's ``__path__``; the extension folders are appended to it.
        folder: Subfolder of an extension folder that belongs to the package.

    Raises:
        DeclarationError: A module can't be imported, defines no ``measure``, or its figure is not declared this way.
    """
    join_extensions(path, folder)
    found = {}
    for module in pkgutil.iter_modules(path):
        where = f"{folder}/{module.name}.py"
        declared = FIGURES.get(module.name)
        if declared is None or declared.source != Measured(by):
            raise DeclarationError(
                f"{where}: no figure {module.name!r} is declared with source Measured({by!r}); "
                f"accepted: the name of such a figure"
            )
        try:
            found[module.name] = importlib.import_module(f"{package}.{module.name}").measure
        except Exception as error:
            raise DeclarationError(f"{where}: {type(error).__name__}: {error}") from error
    return found
