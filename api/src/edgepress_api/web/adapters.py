"""Dependencies of the routes."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Request

from edgepress_api.database import Database
from edgepress_api.jobs.submission import Submission
from edgepress_api.settings import ApiSettings
from edgepress_api.steps.ledger import Ledger
from edgepress_api.storage.free_space import FreeSpace
from edgepress_common.artifacts import ArtifactStore


@dataclass(frozen=True)
class Adapters:
    """The objects that routes use.

    Attributes:
        database: The database with jobs, steps and devices.
        store: The artifact store.
        free_space: Space left in it.
        submission: Accepts jobs.
        ledger: Moves steps.
        settings: Limits and addresses.
        clock: Returns the current time.
        ping_redis: Raises an error if Redis does not answer.
        is_stopping: Whether the server is about to stop; requests that wait then return.
    """

    database: Database
    store: ArtifactStore
    free_space: FreeSpace
    submission: Submission
    ledger: Ledger
    settings: ApiSettings
    clock: Callable[[], datetime]
    ping_redis: Callable[[], object]
    is_stopping: Callable[[], bool]


# Asynchronous, though it awaits nothing: FastAPI would run a plain function in another thread.
async def _adapters_of(request: Request) -> Adapters:
    adapters = request.app.state.adapters
    assert isinstance(adapters, Adapters)
    return adapters


Given = Annotated[Adapters, Depends(_adapters_of)]
