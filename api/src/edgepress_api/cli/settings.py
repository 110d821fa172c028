"""Settings of a client of the gateway, read from the environment with the prefix ``EDGEPRESS_``."""

from pydantic import Field, SecretStr

from edgepress_common.settings import BaseEdgepressSettings


class ClientSettings(BaseEdgepressSettings):
    """Which gateway to speak with, and as whom."""

    gateway: str = Field(default="http://127.0.0.1:8000", description="The gateway's address.")
    token: SecretStr | None = Field(
        default=None, description="What 'edgepress tokens create' showed; sent as a bearer token."
    )


class MlflowSettings(BaseEdgepressSettings):
    """Where jobs are written down for MLflow."""

    mlflow_url: str | None = Field(
        default=None, pattern=r"^https?://", description="Address of a tracking server; None writes to none."
    )
    mlflow_token: SecretStr | None = Field(default=None, description="Sent to it as a bearer token.")
    mlflow_experiment: str = Field(default="edgepress", description="The experiment that jobs go to.")
