"""Settings of the client, from the environment.

A setting is the variable ``EDGEPRESS_<NAME>``, or else a file ``edgepress_<name>`` in a folder that
``EDGEPRESS_SECRETS_DIR`` lists, as for the servers. It does not use pydantic-settings, which is an additional
dependency and takes longer to import than the rest of a command.
"""

import os
from collections.abc import Mapping
from pathlib import Path

DEFAULT_GATEWAY = "http://127.0.0.1:8000"


def setting(name: str, environment: Mapping[str, str] | None = None) -> str | None:
    """Return a setting, or None if it is not set or empty.

    Args:
        name: The name in lower case: ``token`` for ``EDGEPRESS_TOKEN``.
        environment: The variables; by default those of this process.
    """
    found = os.environ if environment is None else environment
    if value := found.get(f"EDGEPRESS_{name.upper()}"):
        return value
    for folder in found.get("EDGEPRESS_SECRETS_DIR", "").split(os.pathsep):
        file = Path(folder, f"edgepress_{name}")
        if folder and file.is_file():
            return file.read_text().strip() or None
    return None
