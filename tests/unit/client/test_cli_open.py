"""`edgepress open`."""

import io
import stat
from pathlib import Path
from urllib.parse import urlparse

import httpx
import pytest
from typer.testing import CliRunner

from edgepress_client.cli import app
from edgepress_client.cli.invocation import Invocation
from edgepress_client.cli.terminal import open_console
from edgepress_common.local_token import published_token
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
    """A gateway with a job, and its report as a page."""
    gateway = FakeGateway(looks=[make_job()])
    gateway.answers["GET", "/v1/jobs/job-1/report"] = httpx.Response(200, text="<html>the report</html>")
    return gateway


def test_the_report_is_opened_at_the_gateway(gateway: FakeGateway) -> None:
    """It is the report of the latest job, unless one is named; the address is printed too."""
    opened, said, code = _opened(gateway)
    assert (opened, code) == (["http://127.0.0.1:8000/v1/jobs/job-1/report?format=html"], 0)
    assert opened[0] in said


def test_a_job_that_is_not_there_is_not_opened(gateway: FakeGateway) -> None:
    """The command reports it, and opens no page."""
    opened, said, code = _opened(gateway, "job-2")
    assert (opened, code, "Not found" in said) == ([], 4, True)


@pytest.mark.parametrize("by_token", [True, False])
def test_where_a_token_is_asked_for_a_file_is_opened(
    gateway: FakeGateway, by_token: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A browser does not send a token; and a user may want to keep a file."""
    if by_token:
        monkeypatch.setenv("EDGEPRESS_TOKEN", "edgepress_x_y")
    opened, _, code = _opened(gateway, "job-1", *([] if by_token else ["--report"]))
    assert code == 0
    assert Path(urlparse(opened[0]).path).read_text() == "<html>the report</html>"


def test_without_a_browser_the_address_is_left(gateway: FakeGateway) -> None:
    """An example is a server."""
    _, said, code = _opened(gateway, has_browser=False)
    assert (code, "there is no browser" in said) == (0, True)


def test_the_dashboard_is_opened_signed_in(gateway: FakeGateway, tmp_path: Path) -> None:
    """The token is in a file that only the user can read: all users can see the arguments of a browser's process."""
    with published_token("secret", 8123, tmp_path):
        opened, said, code = _opened(gateway, "--dashboard", "--gateway", "http://127.0.0.1:8123")
    file = Path(urlparse(opened[0]).path)
    assert "http://127.0.0.1:8123/#token=secret" in file.read_text()
    assert (code, "secret" in said) == (0, False)
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_the_dashboard_of_another_machine_is_opened_as_it_is(gateway: FakeGateway) -> None:
    """Its user signs in there."""
    opened, _, _ = _opened(gateway, "--dashboard", "--gateway", "https://edgepress.example")
    assert opened == ["https://edgepress.example/"]
