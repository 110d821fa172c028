"""The gateway's application over real tables and a real folder, called without a network.

Only what is outside of it is made up: the time, Redis, and the workers and devices that do the steps.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

from fastapi.testclient import TestClient

from edgepress_api.access.tokens import create_token
from edgepress_api.database import Database
from edgepress_api.datasets.fingerprint import Fingerprints
from edgepress_api.jobs.submission import Submission
from edgepress_api.planners.registry import Planners
from edgepress_api.settings import ApiSettings
from edgepress_api.steps.ledger import Ledger, Rules
from edgepress_api.storage.free_space import FreeSpace
from edgepress_api.web.adapters import Adapters
from edgepress_api.web.app import create_app
from edgepress_common.answers.users import Scope
from edgepress_common.artifacts import FolderStore
from fakes.gateway_process import running_gateway
from fakes.jobs import Workforce, small_spec
from fakes.tables import create_tables

JSON = {"Content-Type": "application/json"}
YAML = {"Content-Type": "application/yaml"}


@dataclass
class GatewayApp:
    """A gateway of a test's own.

    Attributes:
        now: What its clock says.
        redis_is_unavailable: Whether Redis answers.
        is_stopping: Whether the server is about to stop.
        max_upload_bytes: Largest upload.
        root_path: The prefix that a proxy serves it under.
        host: The address it listens on, as far as its settings say.
        require_tokens: Whether its own machine needs a token too, unlike in most tests.
        dataset_roots: Folders that data sets may lie under.
        is_new: Whether its device has yet to announce itself.
        planners: What gives jobs their pipelines.
    """

    _described: ClassVar[dict[str, Any]] = {}

    database: Database
    folder: Path
    now: datetime = datetime(2026, 1, 1, tzinfo=UTC)
    redis_is_unavailable: bool = False
    is_stopping: bool = False
    max_upload_bytes: int = 100_000
    root_path: str = ""
    host: str = "127.0.0.1"
    require_tokens: bool = False
    dataset_roots: tuple[Path, ...] = ()
    is_new: bool = True
    planners: Planners = field(default_factory=Planners)
    ledger: Ledger = field(
        default_factory=lambda: Ledger(
            Rules(lease=timedelta(seconds=60), resend_pause=timedelta(seconds=30), max_attempts=3)
        )
    )

    def __post_init__(self) -> None:
        self.store = FolderStore(self.folder / "artifacts")
        self.free_space = FreeSpace(self.store, reserve_bytes=0)
        self.submission = Submission(
            self.database, Fingerprints(self.dataset_roots), self.ledger, planners=self.planners
        )
        self.adapters = Adapters(
            database=self.database,
            store=self.store,
            free_space=self.free_space,
            submission=self.submission,
            ledger=self.ledger,
            settings=ApiSettings(
                max_upload_bytes=self.max_upload_bytes, host=self.host, require_tokens=self.require_tokens
            ),
            clock=lambda: self.now,
            ping_redis=self._ping_redis,
            is_stopping=lambda: self.is_stopping,
        )
        self.client = self.client_of(self.adapters)
        self.workforce = Workforce(self.database, self.ledger, self.now)
        if self.is_new:
            self.workforce.announce()

    def with_adapters(self, **changes: object) -> TestClient:
        """A client of the same gateway with other adapters."""
        return self.client_of(replace(self.adapters, **changes))  # type: ignore[arg-type]  # named by the test

    def token(self, user: str, *scopes: Scope, device: str | None = None) -> str:
        """A token of a user's."""
        with self.database.write() as session:
            return create_token(session, self.now, user=user, scopes=scopes, device=device).text

    def client_with(self, token: str) -> TestClient:
        """A client that shows a token."""
        return self.client_of(self.adapters, {"Authorization": f"Bearer {token}"})

    def client_as(self, user: str, *scopes: Scope, device: str | None = None) -> TestClient:
        """A client of a user's, with a token of its own."""
        return self.client_with(self.token(user, *scopes, device=device))

    def submit(self, **changes: object) -> str:
        """A small job, with another spec where that is told; answers its id."""
        return self.submission.submit(small_spec(**changes), self.now)

    def finished_job(self, **changes: object) -> str:
        """A small job that is done."""
        job_id = self.submit(**changes)
        self.workforce.work_until_nothing_is_left()
        return job_id

    def client_of(self, adapters: Adapters, headers: dict[str, str] | None = None) -> TestClient:
        """A client that shows a 500 as its user would see it."""
        app = create_app(adapters)
        # The same for all, and a third of a second's work, so it is done once.
        app.openapi_schema = GatewayApp._described or None
        GatewayApp._described = app.openapi()
        return TestClient(
            app, "http://127.0.0.1", raise_server_exceptions=False, root_path=self.root_path, headers=headers
        )

    def _ping_redis(self) -> None:
        if self.redis_is_unavailable:
            raise ConnectionError("connection refused")


@contextmanager
def gateway_with_address(folder: Path, **settings: str) -> Iterator[tuple[GatewayApp, str]]:
    """A gateway that runs as a process over a folder, and its address; the jobs are made in this process."""
    with running_gateway(folder, **settings) as (_, url):
        yield GatewayApp(Database(f"sqlite:///{folder}/edgepress.db"), folder), url


def sqlite_gateway(folder: Path, **settings: object) -> GatewayApp:
    """A gateway on SQLite: for tests of what does not depend on the database."""
    database = Database(f"sqlite:///{folder}/edgepress.db")
    create_tables(database)
    return GatewayApp(database, folder, **settings)  # type: ignore[arg-type]  # named by the test


def copied_gateway(original: Path, folder: Path) -> GatewayApp:
    """A gateway on SQLite with what another one had in its folder when its database was closed."""
    shutil.copytree(original, folder)
    return GatewayApp(Database(f"sqlite:///{folder}/edgepress.db"), folder, is_new=False)


def spec_json(**changes: object) -> bytes:
    """A small spec as it is posted."""
    return small_spec(**changes).model_dump_json().encode()
