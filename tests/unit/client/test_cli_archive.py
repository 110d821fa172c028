"""Jobs that leave a server and arrive at another, on the command line."""

import json
from pathlib import Path

import httpx

from edgepress_common.answers.job_list import ImportedFrom
from fakes.command_line import run_command
from fakes.job_gateway import BEGIN, FakeGateway, make_job, make_step

ORIGIN = ImportedFrom(
    server="press.example", job_id="job-9", exported_at=BEGIN, edgepress="0.1.0", devices=("pi4 (Raspberry Pi 4)",)
)


def test_an_archive_is_downloaded(tmp_path: Path) -> None:
    """Whole, with images if asked for, and not over an existing file."""
    gateway = FakeGateway(answers={("GET", "/v1/jobs/job-1/archive"): httpx.Response(200, content=b"zip")})
    target = tmp_path / "cells.zip"
    ran = run_command(gateway, ["archive", "job-1", "--to", str(target), "--images", "--json"])
    assert (ran.exit_code, target.read_bytes()) == (0, b"zip"), ran.err
    assert json.loads(ran.out) == {"file": str(target), "size_bytes": 3, "job": "job-1"}
    assert gateway.requests[-1].url.query == b"images=true"
    kept = run_command(gateway, ["archive", "job-1", "--to", str(target)])
    assert (kept.exit_code, "the file exists" in kept.err) == (2, True)
    gateway.refuse("GET", "/v1/jobs/job-1/archive", 409, title="Conflict", detail="job-1 is running")
    active = run_command(gateway, ["archive", "job-1", "--to", str(tmp_path / "other.zip")])
    assert (active.exit_code, "job-1 is running" in active.err) == (6, True)
    assert [path.name for path in tmp_path.iterdir()] == ["cells.zip"]


def test_an_archive_is_imported(tmp_path: Path) -> None:
    """The line names the job, and where it comes from; the job's tree says so too."""
    job = make_job(make_step("train", "succeeded"), state="succeeded").model_copy(update={"imported": ORIGIN})
    gateway = FakeGateway(looks=[job])
    gateway.answers["POST", "/v1/jobs/archive"] = httpx.Response(201, content=job.model_dump_json())
    archive = tmp_path / "cells.zip"
    archive.write_bytes(b"zip" * 200_000)
    ran = run_command(gateway, ["import", str(archive)])
    assert (ran.exit_code, ran.out) == (0, "job-1  digits, job-9 of press.example\n"), ran.err
    sent = gateway.requests[-1]
    assert (sent.headers["content-type"], sent.headers["content-length"]) == ("application/zip", "600000")
    shown = " ".join(run_command(gateway, ["show", "job-1"]).out.split())
    assert "imported from press.example, where it is job-9" in shown
    assert "pi4 (Raspberry Pi 4)" in shown


def test_a_file_that_is_not_an_archive_is_refused(tmp_path: Path) -> None:
    """Exit code 5 from the gateway, 2 if it can't be read."""
    gateway = FakeGateway()
    gateway.refuse("POST", "/v1/jobs/archive", 422, title="Invalid request", detail="it is not a zip")
    (tmp_path / "other.txt").write_text("text")
    refused = run_command(gateway, ["import", str(tmp_path / "other.txt")])
    assert (refused.exit_code, "it is not a zip" in refused.err) == (5, True)
    absent = run_command(gateway, ["import", str(tmp_path / "absent.zip")])
    assert (absent.exit_code, "No such file" in absent.err) == (2, True)
