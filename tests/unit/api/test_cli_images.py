"""`edgepress samples` and `edgepress errors`, against the gateway's application."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from edgepress_client.cli import app
from edgepress_client.cli.invocation import Invocation
from edgepress_client.cli.terminal import open_console
from fakes.gateway_app import GatewayApp, sqlite_gateway
from fakes.packed import INT8, show_images


@pytest.fixture
def gateway(tmp_path: Path) -> GatewayApp:
    """A gateway with a finished job."""
    gateway = sqlite_gateway(tmp_path)
    gateway.finished_job()
    show_images(gateway)
    return gateway


def run(gateway: GatewayApp, *arguments: str, code: int = 0) -> str:
    """Return the output of a command."""
    out = io.StringIO()
    console = open_console(out, width=120)
    invocation = Invocation(console, console, gateway.client._transport)
    ran = CliRunner().invoke(app, [*arguments, "--gateway", "http://127.0.0.1"], obj=invocation, catch_exceptions=False)
    assert ran.exit_code == code, out.getvalue()
    return out.getvalue()


def test_samples_show_classes_and_warnings_and_save_images(gateway: GatewayApp, tmp_path: Path) -> None:
    """The files are named by row and class; they are not overwritten without being asked."""
    folder = tmp_path / "saved"
    arguments = ("samples", "latest", "--split", "validation", "--to", str(folder))
    said = run(gateway, *arguments)
    assert "fewer than 20 validation images" in said
    assert "4 of 4 images saved" in " ".join(said.split())
    names = {path.name for path in (folder / "validation").iterdir()}
    assert names == {"000000-0.png", "000001-0.png", "000002-1.png", "000003-1.png"}
    assert "exists" in run(gateway, *arguments, code=2)
    assert json.loads(run(gateway, "samples", "--json"))["total"] == 16


def test_errors_show_what_images_are_taken_for(gateway: GatewayApp, tmp_path: Path) -> None:
    """A file is named as in the report, or by its SHA-256; the default is the recommended file."""
    said = run(gateway, "errors", "latest", "base int8", "--show", "lost", "--to", str(tmp_path / "lost"))
    assert "base float32 is right and base int8 is wrong on 1 of 4 validation images, measured on pi." in said
    assert "1 0.900, true class 0.100" in " ".join(said.split())
    assert [path.name for path in (tmp_path / "lost").iterdir()] == ["000001-0-as-1.png"]
    assert "base int8 is wrong on 2 of 4" in run(gateway, "errors", "latest", INT8, "--against", "base float32")
    assert "base float32 is wrong on 1 of 4" in run(gateway, "errors")
    assert json.loads(run(gateway, "errors", "latest", INT8, "--true", "1", "--json"))["total"] == 1
    assert "base float32" in run(gateway, "errors", "latest", "base int4", code=4)
