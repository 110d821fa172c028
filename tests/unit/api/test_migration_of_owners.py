"""A database from before there were tokens, brought to this version: nothing is lost, and everything has an owner."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from edgepress_api.database import Database
from edgepress_api.database.migrate import migrate
from fakes.gateway_app import JSON, GatewayApp
from fakes.jobs import small_spec

SPEC = small_spec().model_dump(mode="json")
MODEL = "f" * 64
PACK = {"kind": "pack", "dataset": SPEC["dataset"], "fingerprint": "digits"}
RESULT = {"kind": "pack", "classes": ["0", "1"], "train_counts": [8, 8], "validation_counts": [2, 2]}
JSON_COLUMNS = ("spec", "parameters", "result", "outputs", "data")


@pytest.fixture
def before(bare_database: Database, now: datetime) -> Database:
    """A database of revision 0002 with a job with a key, its pipeline, step and event; a data set."""
    migrate(bare_database, "0002")
    ended = {"state": "succeeded", "created_at": now, "finished_at": now}
    step = {"weight": 1.0, "attempt": 1, "failures": 0, "sends": 1, "title": "pack", "kind": "pack", **ended}
    artifact = {"sha256": MODEL, "size_bytes": 5, "media_type": "application/octet-stream"}
    with bare_database.write() as session:
        connection = session.connection()
        for number in (1, 2):
            key = f"key {number}" if number == 1 else None
            job = {"id": f"job-{number}", "name": "digits", "spec": SPEC, **ended}
            _insert(connection, "jobs", **job, idempotency_key=key, request_digest=None)
        _insert(connection, "pipelines", job_number=1, position=0, name="base", state="succeeded")
        _insert(
            connection, "steps", key="a" * 64, parameters=PACK, result=RESULT,
            outputs={"one": artifact, "same": artifact}, **step,
        )  # fmt: skip
        _insert(connection, "steps", key="b" * 64, parameters=PACK, result=RESULT, outputs=None, **step)
        _insert(connection, "pipeline_steps", pipeline_id=1, position=0, step_key="a" * 64)
        _insert(connection, "events", job_number=1, type="job", data={"state": "succeeded"}, created_at=now)
        _insert(
            connection, "datasets", sha256="c" * 64, name="pets", media_type="application/zip", size_bytes=2**40,
            created_at=now,
        )  # fmt: skip
    return bare_database


def test_all_that_was_there_is_there(before: Database) -> None:
    """Row by row: SQLite drops what points to a table together with the table."""
    tables = ("jobs", "pipelines", "steps", "pipeline_steps", "events", "datasets")
    counts = [_count(before, table) for table in tables]
    migrate(before)
    assert [_count(before, table) for table in tables] == counts == [2, 1, 2, 1, 1, 1]
    migrate(before)  # nothing more to do


def test_it_belongs_to_the_local_user(before: Database, tmp_path: Path) -> None:
    """That user sees jobs, steps, artifacts and data sets as before; another user sees none of them."""
    migrate(before)
    gateway = GatewayApp(before, tmp_path)
    local, other = gateway.client_as("local", "read"), gateway.client_as("anna", "read")
    for path in ("/v1/jobs/job-1", f"/v1/steps/{'a' * 64}", f"/v1/datasets/{'c' * 64}", "/v1/jobs/job-1/events"):
        assert [client.get(path).status_code for client in (local, other)] == [200, 404], path
    assert local.get("/v1/jobs/job-1").json()["owner"] == "local"
    assert local.get(f"/v1/datasets/{'c' * 64}").json()["size_bytes"] == 2**40
    with before.read() as session:
        listed = session.execute(sa.text("SELECT sha256, step_key, size_bytes FROM step_artifacts")).all()
    assert listed == [(MODEL, "a" * 64, 5)]


def test_an_idempotency_key_of_before_still_stands_for_its_job(before: Database, tmp_path: Path) -> None:
    """The key belongs to the local user; for others it is new."""
    migrate(before)
    gateway = GatewayApp(before, tmp_path)
    headers = JSON | {"Idempotency-Key": "key 1"}
    body = json.dumps(SPEC | {"name": "another"})
    reused = gateway.client.post("/v1/jobs", content=body, headers=headers)
    assert (reused.status_code, "job-1" in reused.json()["detail"]) == (422, True)
    assert gateway.client_as("anna", "submit").post("/v1/jobs", content=body, headers=headers).status_code == 202


def _insert(connection: sa.Connection, table: str, **values: Any) -> None:
    """Insert a row, by a statement that is independent of this version's tables."""
    columns = [sa.column(name, sa.JSON(none_as_null=True) if name in JSON_COLUMNS else None) for name in values]
    connection.execute(sa.insert(sa.table(table, *columns)).values(values))


def _count(database: Database, table: str) -> int:
    with database.read() as session:
        return session.scalar(sa.select(sa.func.count()).select_from(sa.table(table))) or 0
