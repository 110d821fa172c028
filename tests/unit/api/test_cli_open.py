"""`edgepress open`."""

import io
from pathlib import Path
from urllib.parse import urlparse

import httpx
import pytest
from typer.testing import CliRunner

from edgepress_api.cli import app
from edgepress_api.cli.invocation import Invocation, open_console
from fakes.job_gateway import FakeGateway, make_job


def _opened(gateway: FakeGateway, *arguments: str, has_browser: bool = True) -> tuple[list[str], str, int]:
    out, opened = io.StringIO(), list[str]()

    def browse(address: str) -> bool:
        opened.append(address)
        return has_browser

    here = Invocation(open_console(out), open_console(out), gateway.transport, browse)
    ran = CliRunner().invoke(app, ["open", *arguments], obj=here, catch_exceptions=False)
    return opened, out.getvalue(), ran.exit_code


@pytest.fixture
def gateway() -> FakeGateway:
    """With a job, and its report as a page."""
    gateway = FakeGateway(looks=[make_job()])
    gateway.answers["GET", "/v1/jobs/job-1/report"] = httpx.Response(200, text="<html>the report</html>")
    return gateway


def test_the_report_is_opened_at_the_gateway(gateway: FakeGateway) -> None:
    """Of the latest job, unless one is named; the address is shown as well."""
    opened, said, code = _opened(gateway)
    assert (opened, code) == (["http://127.0.0.1:8000/v1/jobs/job-1/report?format=html"], 0)
    assert opened[0] in said


def test_a_job_that_is_not_there_is_not_opened(gateway: FakeGateway) -> None:
    """It is said here rather than by a page."""
    opened, said, code = _opened(gateway, "job-2")
    assert (opened, code, "no such thing" in said) == ([], 2, True)


@pytest.mark.parametrize("by_token", [True, False])
def test_where_a_token_is_asked_for_a_file_is_opened(
    gateway: FakeGateway, by_token: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A browser has no token to show; and whoever wants a file to keep gets one."""
    if by_token:
        monkeypatch.setenv("EDGEPRESS_TOKEN", "edgepress_x_y")
    opened, _, code = _opened(gateway, "job-1", *([] if by_token else ["--report"]))
    assert code == 0
    assert Path(urlparse(opened[0]).path).read_text() == "<html>the report</html>"


def test_without_a_browser_the_address_is_left(gateway: FakeGateway) -> None:
    """On a server, say."""
    _, said, code = _opened(gateway, has_browser=False)
    assert (code, "there is no browser" in said) == (0, True)
