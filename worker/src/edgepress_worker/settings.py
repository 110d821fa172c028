"""The worker's settings, read from the environment with the prefix ``EDGEPRESS_``."""

import socket
from pathlib import Path
from typing import Literal

from pydantic import Field

from edgepress_common.settings import BrokerSettings


class WorkerSettings(BrokerSettings):
    """Where a worker gets its steps, and where it keeps what."""

    worker_name: str = Field(default_factory=socket.gethostname, description="How it signs its messages.")
    worker_queues: tuple[Literal["train", "convert"], ...] = Field(
        default=("train", "convert"), description="As a JSON list: what this worker does."
    )
    scratch: Path = Field(
        default=Path(".edgepress/scratch"),
        description="Where unfinished trainings save their state; where workers share it, any of them can go on.",
    )
    downloads: Path = Field(default=Path(".edgepress/downloads"), description="Downloaded sets and weights.")
    steps_per_process: int = Field(
        default=50, ge=1, description="Steps after which the process is replaced; 1 gives all of a GPU's memory back."
    )
