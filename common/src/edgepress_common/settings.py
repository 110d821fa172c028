"""Settings every deployable shares. All come from the environment, with the prefix ``EDGEPRESS_``.

A setting that is a secret need not be in the environment, where anyone who may look at a container sees it: it may as
well be a file of its name (``edgepress_redis_url``) in a folder that ``EDGEPRESS_SECRETS_DIR`` names, or in one of
several, with colons between. What is in the environment goes before.

Each ``main.py`` reads its own settings once and hands them on; nothing else looks at the environment.
"""

import os
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SecretsSettingsSource, SettingsConfigDict

from edgepress_common.artifacts_address import StoreAddress
from edgepress_common.broker_url import verified_url

SECRETS_DIR = "EDGEPRESS_SECRETS_DIR"


class BaseEdgepressSettings(BaseSettings):
    """How settings are read."""

    model_config = SettingsConfigDict(env_prefix="EDGEPRESS_", frozen=True, extra="ignore")

    log_level: str = Field(default="INFO", description="DEBUG, INFO, WARNING or ERROR.")
    alive_file: Path | None = Field(
        default=None, description="File that is touched again and again while all is well; for a health check."
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - nothing is read from the current folder
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - its folders are fixed; ours are told
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """See `BaseSettings`."""
        folders = [Path(folder) for folder in os.environ.get(SECRETS_DIR, "").split(os.pathsep) if folder]
        return init_settings, env_settings, SecretsSettingsSource(settings_cls, secrets_dir=folders)


class BrokerSettings(BaseEdgepressSettings):
    """Those of whoever speaks with Redis."""

    redis_url: Annotated[str, AfterValidator(verified_url)] = Field(
        default="redis://127.0.0.1:6379/0",
        description="As in redis://user:password@host:6379/0; rediss:// for TLS, with ?ssl_ca_certs=FILE for an "
        "authority of one's own.",
    )
    artifacts: StoreAddress = Field(
        default=".edgepress/artifacts",
        description="Where artifacts are kept: a folder that gateway and workers share, or "
        "s3://bucket/prefix?endpoint=http://host:9000.",
    )
    artifact_copies: Path = Field(
        default=Path(".edgepress/copies"), description="With S3, where copies of artifacts are kept on this machine."
    )
    artifact_copies_bytes: int = Field(
        default=20 << 30, ge=0, description="With S3, copies kept at most, beside what the last hour has used."
    )
    dataset_roots: tuple[Path, ...] = Field(
        default=(), description="Folders that data sets on the server may lie under, as a JSON list."
    )
    lease_seconds: float = Field(
        default=60, gt=0, description="A step that has been silent for so long is given to somebody else."
    )
