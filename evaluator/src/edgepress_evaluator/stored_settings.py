"""The settings that ``edgepress-evaluator join`` stores: a JSON file that only its owner can read.

An empty file has no settings. The file is ``/etc/edgepress/evaluator.json`` for root and
``~/.config/edgepress/evaluator.json`` for other users, or the one that ``EDGEPRESS_EVALUATOR_SETTINGS`` names. Its keys
are the names of settings, such as ``gateway``.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo
from pydantic_settings import PydanticBaseSettingsSource

from edgepress_common.errors import InvalidInputError

SETTINGS_FILE = "EDGEPRESS_EVALUATOR_SETTINGS"
SYSTEM_FILE = Path("/etc/edgepress/evaluator.json")


def settings_file(environment: Mapping[str, str] | None = None) -> Path:
    """Return the path of the settings file, which may not exist.

    Args:
        environment: The variables; by default those of this process.
    """
    found = os.environ if environment is None else environment
    if named := found.get(SETTINGS_FILE):
        return Path(named)
    return SYSTEM_FILE if os.geteuid() == 0 else config_home(found) / "edgepress" / "evaluator.json"


def config_home(environment: Mapping[str, str] | None = None) -> Path:
    """Return the folder of this user's settings, see the XDG Base Directory Specification.

    Args:
        environment: The variables; by default those of this process.
    """
    found = os.environ if environment is None else environment
    return Path(found.get("XDG_CONFIG_HOME") or Path.home() / ".config")


def store(file: Path, settings: Mapping[str, str]) -> None:
    """Replace the settings file, by one that is readable by its owner alone from the first moment on.

    Raises:
        InvalidInputError: The file can't be written.
    """
    incoming = file.with_suffix(".incoming")
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        incoming.unlink(missing_ok=True)
        with os.fdopen(os.open(incoming, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
            stream.write(json.dumps(settings, indent=1) + "\n")
            stream.flush()
            os.fsync(stream.fileno())  # boards lose power
        incoming.replace(file)
    except OSError as error:
        raise InvalidInputError(
            f"the settings can't be stored in {file}: {error.strerror}; accepted: a file on a disk that can be "
            f"written and has free space, set {SETTINGS_FILE}"
        ) from error


class StoredSettings(PydanticBaseSettingsSource):
    """The settings file as a source of settings; empty if there is no file."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:  # noqa: ARG002, D102 - abstract
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        """Return the stored settings.

        Raises:
            InvalidInputError: The file can't be read, or is not a JSON object.
        """
        try:
            file = settings_file()
            text = file.read_text()
        except (FileNotFoundError, RuntimeError):  # a user without a home folder
            return {}
        except OSError as error:
            raise InvalidInputError(f"the settings of 'join' can't be read: {error}") from error
        try:
            content = json.loads(text or "{}")
        except ValueError as error:
            raise InvalidInputError(f"{file} is not JSON: {error}; accepted: a JSON object of settings") from error
        if not isinstance(content, dict):
            raise InvalidInputError(f"{file} is not a JSON object; accepted: a JSON object of settings")
        return content
