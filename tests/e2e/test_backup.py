"""A backup of a running stack, restored elsewhere: the old reports and files are served."""

import shutil
import sqlite3
from pathlib import Path

import httpx
import pytest

from e2e.stack import Edgepress
from fakes.gateway_process import running_gateway

pytestmark = pytest.mark.slow


def test_a_backup_put_elsewhere_serves_the_old_reports(edgepress: Edgepress, tiny_job: str, tmp_path: Path) -> None:
    """The database and then the artifacts are copied as docs/operations.md says; a new gateway uses only the copies."""
    with sqlite3.connect(edgepress.home / "edgepress.db") as live, sqlite3.connect(tmp_path / "edgepress.db") as copy:
        live.backup(copy)
    copy.close()
    shutil.copytree(edgepress.home / "artifacts", tmp_path / "artifacts")

    with running_gateway(tmp_path) as (_, url), httpx.Client(base_url=url, trust_env=False, timeout=30) as elsewhere:
        for media_type in ("application/json", "text/csv", "text/html"):
            report = f"/v1/jobs/{tiny_job}/report"
            found = _content(elsewhere, report, media_type).replace(url.encode(), edgepress.url.encode())  # links
            assert found == _content(edgepress.http, report, media_type)
        for row in edgepress.report(tiny_job)["rows"]:
            artifact = f"/v1/artifacts/{row['model_sha256']}"
            assert _content(elsewhere, artifact) == _content(edgepress.http, artifact)


def _content(client: httpx.Client, url: str, media_type: str = "*/*") -> bytes:
    return client.get(url, headers={"Accept": media_type}).raise_for_status().content
