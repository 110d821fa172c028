"""A database from before plans could grow, brought to this version: its jobs are shown, and go on to their end."""

from datetime import datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from edgepress_api.database import Database, PipelineRow
from edgepress_api.database.migrate import migrate
from edgepress_api.jobs.growing import grow_plans
from edgepress_api.planners.registry import Planners
from fakes.gateway_app import GatewayApp, sqlite_gateway

BEFORE = "0008"
TABLES = ("jobs", "pipelines", "pipeline_steps", "steps", "step_inputs", "step_artifacts", "events", "devices")


@pytest.fixture
def jobs(tmp_path: Path) -> tuple[str, str]:
    """One that has ended, and one that a worker has begun on: in a database of this version."""
    gateway = sqlite_gateway(tmp_path / "source")
    ended = gateway.finished_job()
    begun = gateway.submit(name="begun", training={"epochs": 3})
    for step in gateway.workforce.take():
        gateway.workforce.finish(step)
    gateway.database.close()
    return ended, begun


@pytest.fixture
def before(bare_database: Database, jobs: tuple[str, str], tmp_path: Path, now: datetime) -> Database:
    """The same rows in a database of the revision before, without the columns that came since."""
    migrate(bare_database, BEFORE)
    source = sa.create_engine(f"sqlite:///{tmp_path}/source/edgepress.db")
    with source.connect() as reading, bare_database.write() as session:
        connection, old, new = session.connection(), sa.MetaData(), sa.MetaData()
        old.reflect(connection)
        new.reflect(reading)
        for table in (table for table in old.sorted_tables if table.name in TABLES):
            columns = [new.tables[table.name].c[column.name] for column in table.c]
            rows = [row._asdict() for row in reading.execute(sa.select(*columns))]
            connection.execute(sa.insert(table), [_in_utc(row, now) for row in rows])
        # PostgreSQL's counters know nothing of rows that came with their number.
        if connection.dialect.name == "postgresql":
            for name, column in (("jobs", "number"), ("pipelines", "id"), ("events", "id")):
                count = f"SELECT setval(pg_get_serial_sequence('{name}', '{column}'), MAX({column})) FROM {name}"
                connection.exec_driver_sql(count)
    source.dispose()
    return bare_database


def test_every_row_is_there_and_every_plan_complete(before: Database) -> None:
    """SQLite deletes what refers to a table that is dropped: none may be."""
    counts = [_count(before, table) for table in TABLES]
    assert min(counts) > 0
    migrate(before)
    assert [_count(before, table) for table in TABLES] == counts
    with before.read() as session:
        planned = session.execute(sa.text("SELECT planner, plan_complete, plan_error, fingerprint FROM jobs")).all()
    assert [tuple(row) for row in planned] == [("fixed_list", True, None, None)] * 2


def test_jobs_plans_and_reports_are_shown(before: Database, jobs: tuple[str, str], tmp_path: Path) -> None:
    """Their content is unchanged, and the plans are complete."""
    migrate(before)
    client = GatewayApp(before, tmp_path).client
    for job_id, state in zip(jobs, ("succeeded", "running"), strict=True):
        job = client.get(f"/v1/jobs/{job_id}").json()
        assert (job["state"], job["plan_complete"]) == (state, True)
        plan = client.get(f"/v1/jobs/{job_id}/plan").json()
        assert (plan["complete"], [pipeline["name"] for pipeline in plan["pipelines"]]) == (True, ["base"])
        assert len(plan["steps"]) == 6
        for form in ("json", "csv", "html"):
            assert client.get(f"/v1/jobs/{job_id}/report?format={form}").status_code == 200, form


def test_a_job_that_was_active_goes_on_to_its_end(before: Database, jobs: tuple[str, str], tmp_path: Path) -> None:
    """Its planner, which it never had, is not asked."""
    migrate(before)
    gateway = GatewayApp(before, tmp_path)
    gateway.workforce.work_until_nothing_is_left()
    grow_plans(before, gateway.ledger, Planners(planners=()), gateway.now)
    job = gateway.client.get(f"/v1/jobs/{jobs[1]}").json()
    assert (job["state"], job["progress"]) == ("succeeded", 1.0)


def test_a_jobs_pipelines_have_names_and_places_of_their_own(before: Database) -> None:
    """The database enforces this from now on."""
    migrate(before)
    for position, name in ((0, "other"), (1, "base")):
        with pytest.raises(IntegrityError), before.write() as session:
            session.add(PipelineRow(job_number=1, position=position, name=name, state="queued"))


def _count(database: Database, table: str) -> int:
    with database.read() as session:
        return int(session.execute(sa.text(f"SELECT count(*) FROM {table}")).scalar_one())


def _in_utc(row: dict[str, object], now: datetime) -> dict[str, object]:
    """SQLite keeps no zone."""
    return {
        name: value.replace(tzinfo=now.tzinfo) if isinstance(value, datetime) else value for name, value in row.items()
    }
