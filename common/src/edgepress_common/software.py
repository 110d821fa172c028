"""The software that made a result, so that a number can be traced to the code that computed it."""

import hashlib
from importlib.metadata import PackageNotFoundError, version
from typing import Annotated

from pydantic import Field, StringConstraints

from edgepress_common import __version__
from edgepress_common.frozen import Message
from edgepress_common.registry import extension_folders
from edgepress_common.text import HarmlessText

_Name = Annotated[HarmlessText, StringConstraints(max_length=100)]


class Software(Message):
    """The software of a process, and what it computes on.

    Attributes:
        edgepress: Version of Edgepress.
        libraries: Version of each library that numbers depend on, by the name of its distribution.
        computes_on: GPU or processors of a worker, with the reason where a GPU can't be used; None if not known.
        extensions: SHA-256 of the Python files in the process's extension folders, names included; None without any.
    """

    edgepress: _Name
    libraries: dict[_Name, _Name] = Field(default_factory=dict, max_length=50)
    computes_on: Annotated[HarmlessText, StringConstraints(max_length=1000)] | None = None
    extensions: str | None = Field(default=None, pattern="^[0-9a-f]{64}$")

    @property
    def words(self) -> str:
        """All of it in one line."""
        parts = [f"Edgepress {self.edgepress}", *(f"{name} {number}" for name, number in self.libraries.items())]
        parts += [f"extensions {self.extensions[:12]}"] if self.extensions else []
        return ", ".join([*parts, f"on {self.computes_on}"] if self.computes_on else parts)


def installed_software(*libraries: str, computes_on: str | None = None) -> Software:
    """Return the software of this process.

    Args:
        libraries: Names of distributions. Distributions that are not installed are left out.
        computes_on: What the process computes on, in words.
    """
    versions = {name: found for name in libraries if (found := _version(name)) is not None}
    return Software(
        edgepress=__version__,
        libraries=versions,
        computes_on=computes_on and computes_on[:1000],
        extensions=_EXTENSIONS,
    )


def _version(distribution: str) -> str | None:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None


def _extensions_digest() -> str | None:
    digest, is_empty = hashlib.sha256(), True
    for folder in extension_folders():
        for file in sorted(folder.rglob("*.py")):
            is_empty = False
            for part in (str(file.relative_to(folder)).encode(), file.read_bytes()):
                digest.update(len(part).to_bytes(8, "big") + part)
    return None if is_empty else digest.hexdigest()


_EXTENSIONS = _extensions_digest()  # at import, as the declarations are: a file that changes later is not used
