"""The worker's settings, read from the environment with the prefix ``EDGEPRESS_``."""

import socket
from pathlib import Path

from pydantic import Field

from edgepress_common.messages import Queue
from edgepress_common.settings import BrokerSettings, MachineSettings


class WorkerSettings(BrokerSettings, MachineSettings):
    """Settings of the worker."""

    worker_name: str = Field(default_factory=socket.gethostname, description="Name of the worker in its messages.")
    worker_queues: tuple[Queue, ...] = Field(
        default=("train", "convert"), description="Queues that this worker processes, as a JSON list."
    )
    scratch: Path = Field(
        default=Path(".edgepress/scratch"),
        description="Folder for the state of unfinished trainings; workers that share it can resume each other's.",
    )
    downloads: Path = Field(
        default=Path(".edgepress/downloads"), description="Folder for downloaded data sets and weights."
    )
    threads: int | None = Field(
        default=None,
        ge=1,
        le=1024,
        description="Number of threads that TensorFlow uses per operation (default: one per processor). Trainings "
        "return equal bytes only with equal numbers: set the same value on workers with different processors.",
    )
    steps_per_process: int = Field(
        default=50, ge=1, description="Steps after which the process is replaced; 1 releases all GPU memory."
    )
