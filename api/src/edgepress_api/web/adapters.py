"""What routes work with, and how they get it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Request

from edgepress_api.database import Database
from edgepress_api.jobs.submission import Submission
from edgepress_api.room import Room
from edgepress_api.settings import ApiSettings
from edgepress_api.steps.ledger import Ledger
from edgepress_common.artifacts import ArtifactStore


@dataclass(frozen=True)
class Adapters:
    """All that the web side needs of the rest.

    Attributes:
        database: Where jobs, steps and devices are.
        store: Where artifacts are.
        room: What is left of it.
        submission: Accepts jobs.
        ledger: Moves steps.
        settings: Limits and addresses.
        clock: The present moment.
        ping_redis: Raises when Redis is away.
        is_stopping: Whether the server is about to stop: whoever waits for something lets go.
    """

    database: Database
    store: ArtifactStore
    room: Room
    submission: Submission
    ledger: Ledger
    settings: ApiSettings
    clock: Callable[[], datetime]
    ping_redis: Callable[[], object]
    is_stopping: Callable[[], bool]


# Asynchronous though it awaits nothing: FastAPI would send a plain function to another thread.
async def _adapters_of(request: Request) -> Adapters:
    adapters = request.app.state.adapters
    assert isinstance(adapters, Adapters)
    return adapters


Given = Annotated[Adapters, Depends(_adapters_of)]
