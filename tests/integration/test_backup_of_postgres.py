"""A PostgreSQL database, dumped and restored into another server by the commands of docs/operations.md."""

import subprocess
from pathlib import Path

import pytest

from edgepress_api.database import Database
from edgepress_api.database.migrate import migrate
from fakes.gateway_app import GatewayApp
from fakes.postgres_server import PostgresServer, postgres_programs


@pytest.mark.postgres
def test_a_dump_restored_elsewhere_serves_the_old_reports(tmp_path: Path) -> None:
    """The dump is restored to a database that another gateway has prepared; it has the old tokens and jobs."""
    programs = postgres_programs()
    if programs is None:
        pytest.skip("no PostgreSQL programs: there is no wheel for this machine; left out")
    for name in ("here", "there"):
        (tmp_path / name).mkdir()
    with PostgresServer.in_folder(tmp_path / "here") as here, PostgresServer.in_folder(tmp_path / "there") as there:
        old, new = Database(here.url), Database(there.url)
        migrate(old)
        migrate(new)
        gateway = GatewayApp(old, tmp_path / "old", host="0.0.0.0")
        job_id, token = gateway.finished_job(), gateway.token("local", "read")
        report = gateway.client_with(token).get(f"/v1/jobs/{job_id}/report").raise_for_status().json()

        _run(programs / "pg_dump", here, "--format=custom", "--file", str(tmp_path / "dump"))
        _run(programs / "pg_restore", there, "--clean", "--if-exists", str(tmp_path / "dump"))

        restored = GatewayApp(new, tmp_path / "new", host="0.0.0.0").client_with(token)
        assert restored.get(f"/v1/jobs/{job_id}").raise_for_status().json()["state"] == "succeeded"
        assert restored.get(f"/v1/jobs/{job_id}/report").raise_for_status().json() == report
        assert report["rows"]
        for database in (old, new):
            database.close()


def _run(program: Path, server: PostgresServer, *arguments: str) -> None:
    where = ["-h", "127.0.0.1", "-p", str(server.port), "-U", "edgepress", "--dbname=postgres"]
    subprocess.run([str(program), *where, *arguments], check=True)
