"""Settings that all services share, read from environment variables with the prefix ``EDGEPRESS_``.

A secret can be a file instead of an environment variable, which anyone with permission to inspect the container can
see. The file has the name of the setting (``edgepress_redis_url``) and is in a folder that ``EDGEPRESS_SECRETS_DIR``
names (several folders are separated by colons). Environment variables take precedence.

Each ``main.py`` reads its own settings once and passes them on. No other module reads the environment, except
`edgepress_common.registry`, whose ``EDGEPRESS_EXTENSIONS`` determines the available types.
"""

import os
import re
import sys
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, Field, ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SecretsSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from edgepress_common.artifacts.address import StoreAddress
from edgepress_common.errors import InvalidInputError
from edgepress_common.machine import MachineId, boot_id
from edgepress_common.settings.broker_url import verified_url
from edgepress_common.validation_words import in_words

SECRETS_DIR = "EDGEPRESS_SECRETS_DIR"
_WRONG_USAGE = 2  # exit status, as of a wrong argument
_SECRET = re.compile(r"(url|token|key|password)$")  # settings whose values are not repeated


class BaseEdgepressSettings(BaseSettings):
    """Settings of every service, and the sources that settings are read from."""

    model_config = SettingsConfigDict(env_prefix="EDGEPRESS_", frozen=True, extra="ignore")

    log_level: str = Field(default="INFO", description="DEBUG, INFO, WARNING or ERROR.")
    heartbeat_file: Path | None = Field(
        default=None, description="File that a working process updates at an interval, for a health check."
    )

    @classmethod
    def read(cls) -> Self:
        """Return the settings.

        Raises:
            InvalidInputError: A setting can't be used; the error names it, its value and what is accepted.
        """
        try:
            return cls()
        except ValidationError as error:
            problems = [_problem(each) for each in error.errors()]
        except SettingsError as error:  # a value that is not valid JSON
            name = re.search(r'field "(\w+)"', str(error))
            problems = [f"EDGEPRESS_{name[1].upper()} is not valid JSON; accepted: JSON" if name else str(error)]
        raise InvalidInputError("\n".join(problems))

    @classmethod
    def read_or_exit(cls) -> Self:
        """Return the settings; if one can't be used, say so and end the process."""
        try:
            return cls.read()
        except InvalidInputError as error:
            print(error, file=sys.stderr)  # noqa: T201 - nothing is logged yet
            sys.exit(_WRONG_USAGE)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - no .env file is read
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - replaced by one with configurable folders
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Return the sources of settings, by precedence. See `BaseSettings`."""
        folders = [Path(folder) for folder in os.environ.get(SECRETS_DIR, "").split(os.pathsep) if folder]
        return init_settings, env_settings, SecretsSettingsSource(settings_cls, secrets_dir=folders)


class MachineSettings(BaseEdgepressSettings):
    """Settings of the services that compute."""

    machine_id: MachineId | None = Field(
        default_factory=boot_id,
        description="Name of the machine, the same for all programs that share its processors (default: the kernel's "
        "boot id). Workers rest while a device of their machine measures.",
    )


class BrokerSettings(BaseEdgepressSettings):
    """Settings of the services that connect to Redis."""

    redis_url: Annotated[str, AfterValidator(verified_url)] = Field(
        default="redis://127.0.0.1:6379/0",
        description="URL of Redis, such as redis://user:password@host:6379/0; rediss:// for TLS, with "
        "?ssl_ca_certs=FILE for your own certificate authority.",
    )
    artifacts: StoreAddress = Field(
        default=".edgepress/artifacts",
        description="Where artifacts are kept: a folder that gateway and workers share, or "
        "s3://bucket/prefix?endpoint=http://host:9000.",
    )
    artifact_copies: Path = Field(
        default=Path(".edgepress/copies"), description="Folder for local copies of artifacts; used with S3 only."
    )
    artifact_copies_bytes: int = Field(
        default=20 << 30,
        ge=0,
        description="Maximum size of local copies in bytes, not counting those used in the last hour; with S3 only.",
    )
    dataset_roots: tuple[Path, ...] = Field(
        default=(), description="Folders that may contain data sets on the server, as a JSON list."
    )
    lease_seconds: float = Field(
        default=60, gt=0, description="Time without a heartbeat after which a step is given to another worker."
    )


def _problem(error: ErrorDetails) -> str:
    problem, accepted = in_words(error)
    if problem.startswith("should be "):
        problem, accepted = "", problem.removeprefix("should be ")
    name = ".".join(map(str, error["loc"])).upper()
    value = "" if _SECRET.search(name.lower()) or not name else f" is {error['input']!r}"
    said = f"EDGEPRESS_{name}{value}" if name else "the settings"
    return said + (f": {problem}" if problem else "") + (f"; accepted: {accepted}" if accepted else "")
