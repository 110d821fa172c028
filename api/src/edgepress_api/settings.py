"""Settings of the gateway and the scheduler, read from the environment with the prefix ``EDGEPRESS_``."""

from ipaddress import IPv4Network, IPv6Network
from pathlib import Path

from pydantic import Field

from edgepress_common.settings import BrokerSettings


class ApiSettings(BrokerSettings):
    """What the two processes of this room need to know."""

    database_url: str = Field(
        default="sqlite:///.edgepress/edgepress.db",
        description="As SQLAlchemy writes it: sqlite:///file, or postgresql+psycopg://user:password@host/name.",
    )
    host: str = Field(default="127.0.0.1", description="Address the gateway listens on.")
    require_tokens: bool = Field(
        default=False, description="Ask for a token on loopback as well. On any other address one is always asked for."
    )
    port: int = Field(default=8000, ge=0, le=65535, description="Port the gateway listens on.")
    tls_certificate: Path | None = Field(
        default=None,
        description="PEM file of a certificate, its chain and its key: the gateway then speaks HTTPS alone.",
    )
    root_path: str = Field(default="", description="Path prefix a reverse proxy serves the gateway under.")
    max_upload_bytes: int = Field(
        default=20 * 2**30, gt=0, description="Largest data set that can be uploaded; a model of this, up to 2 GB."
    )
    max_jobs: int | None = Field(
        default=None, ge=0, description="Jobs that a user may have under way, where their token says nothing else."
    )
    max_bytes: int | None = Field(
        default=None, ge=0, description="Bytes that a user may have stored, where their token says nothing else."
    )
    max_attempts: int = Field(default=3, ge=1, description="A step that failed so often has failed for good.")
    max_step_hours: float = Field(
        default=120,
        gt=0,
        le=160,  # below the week after which a queue would deliver a message again
        description="An attempt at a step that takes longer is ended, and the step has failed; a spec may say less.",
    )
    max_job_hours: float = Field(
        default=720, gt=0, description="A job that takes longer is ended; a spec may say less."
    )
    dispatch_ahead: int = Field(
        default=2, ge=1, description="Steps sent to a queue before a worker has begun on them: enough to keep all busy."
    )
    webhook_networks: tuple[IPv4Network | IPv6Network, ...] = Field(
        default=(), description="Networks that webhooks may go to though they are not of the internet, as a JSON list."
    )
    resend_seconds: float = Field(
        default=30, gt=0, description="A step nobody has begun on after so long is sent again; the pause doubles."
    )
    device_patience_seconds: float = Field(
        default=24 * 3600,
        gt=0,
        description="An evaluation fails when its device has kept it waiting for so long by being away.",
    )
    reserve_bytes: int = Field(
        default=1 << 30,
        ge=0,
        description="Jobs and uploads are refused when the artifact store's disk has less left: for those under way.",
    )
    retention_days: float | None = Field(
        default=None, gt=0, description="Jobs are deleted so long after they have ended; None keeps them."
    )
    cleaning_seconds: float = Field(
        default=300, gt=0, description="Pause between two looks for what nobody needs any more."
    )
