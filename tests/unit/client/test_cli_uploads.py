"""Listing and deleting uploads."""

import json

import httpx
import pytest

from edgepress_common.answers.uploads import DatasetPage, DatasetView, UploadReference
from fakes.command_line import run_command
from fakes.job_gateway import BEGIN, FakeGateway

SHA256 = "a" * 64
VIEW = DatasetView(
    sha256=SHA256,
    owner="anna",
    name="[red]cells[/]",
    media_type="application/zip",
    size_bytes=2_000_000,
    created_at=BEGIN,
    dataset=UploadReference(sha256=SHA256),
)


@pytest.fixture
def gateway() -> FakeGateway:
    """A gateway with one data set and no model."""
    gateway = FakeGateway()
    page = DatasetPage(datasets=(VIEW,), next_page_token=None)
    gateway.answers["GET", "/v1/datasets"] = httpx.Response(200, content=page.model_dump_json())
    gateway.answers["GET", "/v1/models"] = httpx.Response(200, json={"models": [], "next_page_token": None})
    gateway.answers["GET", f"/v1/datasets/{SHA256}"] = httpx.Response(200, content=VIEW.model_dump_json())
    gateway.answers["DELETE", f"/v1/datasets/{SHA256}"] = httpx.Response(204)
    return gateway


def test_uploads_are_listed(gateway: FakeGateway) -> None:
    """With the whole SHA-256, which the command to delete one takes, and the name as it is."""
    lines = run_command(gateway, ["datasets", "list"]).out.splitlines()
    assert lines[1].split()[:4] == [SHA256, "[red]cells[/]", "2.00", "MB"]
    assert json.loads(run_command(gateway, ["datasets", "list", "--json"]).out)[0]["sha256"] == SHA256
    assert run_command(gateway, ["models", "list"]).out.startswith("no models yet: upload one with")


def test_an_upload_is_deleted_only_after_confirmation(gateway: FakeGateway) -> None:
    """Without a terminal, --yes confirms."""
    refused = run_command(gateway, ["datasets", "delete", SHA256])
    assert (refused.exit_code, "add --yes" in refused.err) == (2, True)
    assert "DELETE" not in [request.method for request in gateway.requests]

    deleted = run_command(gateway, ["datasets", "delete", SHA256, "--yes"])
    assert (deleted.exit_code, deleted.out) == (0, f"{SHA256} ([red]cells[/]) deleted\n")
    assert json.loads(run_command(gateway, ["datasets", "delete", SHA256, "--yes", "--json"]).out)["deleted"] is True


def test_an_upload_that_is_used_is_a_conflict(gateway: FakeGateway) -> None:
    """Exit code 6, with the names of the jobs; an unknown upload is exit code 4."""
    gateway.refuse("DELETE", f"/v1/datasets/{SHA256}", 409, title="Conflict", detail="used by active jobs: job-1")
    used = run_command(gateway, ["datasets", "delete", SHA256, "--yes"])
    assert (used.exit_code, "job-1" in used.err) == (6, True)
    assert run_command(gateway, ["models", "delete", "b" * 64, "--yes"]).exit_code == 4
