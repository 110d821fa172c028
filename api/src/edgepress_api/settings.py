"""Settings of the gateway and the scheduler, read from the environment with the prefix ``EDGEPRESS_``."""

from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, ImportString, SecretStr, model_validator

from edgepress_api.database_url import verified_url
from edgepress_common.settings import BrokerSettings
from edgepress_common.spec.notify import EmailAddress
from edgepress_common.spec.web_address import WebAddress


class ApiSettings(BrokerSettings):
    """Settings of the gateway and the scheduler."""

    database_url: Annotated[str, AfterValidator(verified_url)] = Field(
        default="sqlite:///.edgepress/edgepress.db",
        description="SQLAlchemy URL of the database: sqlite:///file, or postgresql+psycopg://user:password@host/name.",
    )
    service_database_url: SecretStr | None = Field(
        default=None,
        description="For edgepress-migrate on PostgreSQL: the address with the user that it creates for the services.",
    )
    host: str = Field(default="127.0.0.1", description="Address the gateway listens on.")
    require_tokens: bool = Field(
        default=True,
        description="Whether requests from this machine require a token. Do not set it to false behind a reverse "
        "proxy, whose requests come from this machine. On addresses other than loopback, a token is always required.",
    )
    local_token: SecretStr | None = Field(
        default=None, description="A token with all rights. 'edgepress up' creates one for its user at each start."
    )
    port: int = Field(default=8000, ge=0, le=65535, description="Port the gateway listens on.")
    tls_certificate: Path | None = Field(
        default=None,
        description="PEM file with certificate, chain and key. If set, the gateway accepts only HTTPS.",
    )
    cors_origins: tuple[str, ...] = Field(
        default=(),
        description='Origins whose web pages may use the API, as a JSON list such as ["https://lab.example.org"].',
    )
    root_path: str = Field(default="", description="Path prefix a reverse proxy serves the gateway under.")
    max_upload_bytes: int = Field(
        default=20 * 2**30, gt=0, description="Largest upload: data sets, and models up to 2 GB."
    )
    max_jobs: int | None = Field(
        default=None, ge=0, description="Limit of a user's active jobs, unless the token has its own."
    )
    max_bytes: int | None = Field(
        default=None, ge=0, description="Limit of a user's stored bytes, unless the token has its own."
    )
    max_attempts: int = Field(default=3, ge=1, description="Attempts at a step, after which it has failed.")
    max_step_hours: float = Field(
        default=120,
        gt=0,
        le=160,  # below the week after which a queue delivers a message again
        description="Time limit of an attempt at a step, after which the step fails. A spec may set a shorter one.",
    )
    max_job_hours: float = Field(
        default=720, gt=0, description="Time limit of a job, after which it is stopped. A spec may set a shorter one."
    )
    planners: tuple[ImportString[Any], ...] = Field(
        default=(),
        description='Classes of additional planners, as a JSON list such as ["package.module:Class"]. The gateway and '
        "the scheduler need the same value.",
    )
    dispatch_ahead: int = Field(
        default=2, ge=1, description="Steps sent to a queue that no worker has started, to keep workers busy."
    )
    webhook_networks: tuple[IPv4Network | IPv6Network, ...] = Field(
        default=(), description="Private networks that webhooks may be sent to, as a JSON list."
    )
    webhook_key: SecretStr | None = Field(
        default=None,
        min_length=16,
        description="Any long random text: secrets of webhooks and recipients are encrypted with it in the database. "
        "The gateway and the scheduler need the same value; restoring a backup of the database requires it too.",
    )
    public_url: WebAddress | None = Field(
        default=None, description="Address of the dashboard, which notifications link to: https://edgepress.example."
    )
    smtp_host: str | None = Field(default=None, min_length=1, description="Mail server for notifications.")
    smtp_port: int | None = Field(
        default=None,
        ge=1,
        le=65535,
        description="Port of the mail server; by default 587, 465 or 25 by its encryption.",
    )
    smtp_encryption: Literal["starttls", "tls", "none"] = Field(
        default="starttls", description="TLS after the greeting (starttls), from the beginning (tls), or none."
    )
    smtp_user: str | None = Field(default=None, min_length=1, description="User to sign in to the mail server as.")
    smtp_password: SecretStr | None = Field(default=None, description="Password of smtp_user.")
    smtp_from: EmailAddress | None = Field(default=None, description="E-mail address that notifications come from.")
    smtp_domains: tuple[str, ...] = Field(
        default=(),
        description="Domains that notifications may be sent to, as a JSON list; empty for all.",
    )
    resend_seconds: float = Field(
        default=30, gt=0, description="A step that no worker has started is sent again after this time, which doubles."
    )
    device_patience_seconds: float = Field(
        default=24 * 3600,
        gt=0,
        description="An evaluation fails if its device has been offline for this long.",
    )
    reserve_bytes: int = Field(
        default=1 << 30,
        ge=0,
        description="Free space of the artifact store reserved for active jobs. With less, new work is refused.",
    )
    retention_days: float | None = Field(
        default=None, gt=0, description="Ended jobs are deleted after this time; None keeps them."
    )
    garbage_collection_seconds: float = Field(
        default=300,
        gt=0,
        description="Interval between garbage collections of old jobs, unreferenced steps and artifacts.",
    )

    @model_validator(mode="after")
    def _mail_is_complete(self) -> Self:
        if (self.smtp_host is None) != (self.smtp_from is None):
            raise ValueError("EDGEPRESS_SMTP_HOST and EDGEPRESS_SMTP_FROM go together; accepted: both, or neither")
        if (self.smtp_user is None) != (self.smtp_password is None):
            raise ValueError("EDGEPRESS_SMTP_USER and EDGEPRESS_SMTP_PASSWORD go together; accepted: both, or neither")
        if self.smtp_password is not None and self.smtp_encryption == "none":
            raise ValueError(
                "EDGEPRESS_SMTP_PASSWORD would be sent without encryption; accepted: EDGEPRESS_SMTP_ENCRYPTION of "
                "starttls or tls"
            )
        return self
