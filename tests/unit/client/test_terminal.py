"""Untrusted text on a terminal, in a pipe and in JSON."""

import io
import json

import httpx
import pytest
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from edgepress_client.cli.terminal import SafeConsole, harmless_json
from edgepress_common.messages import StepFailure
from edgepress_common.text import harmless
from fakes.command_line import run_command
from fakes.job_gateway import FakeGateway, make_job, make_step

# Sets the title, clears the screen, writes to the clipboard, makes a link; by ESC and by C1; hides and reorders text.
HOSTILE = "a\x1b]0;owned\x07\x1b[2J\x9b2J\x1b]52;c;aGk=\x07\x1b]8;;http://x\x1b\\b\x7f\r\u202etxt\u2066\u200b"
OBEYED = set("\x1b\x07\x9b\x7f\r\u202e\u2066\u200b\x00\x08")


@pytest.mark.parametrize("is_terminal", [True, False])
def test_nothing_printed_controls_the_terminal(is_terminal: bool) -> None:
    """This holds for a text, a cell of a table and a plain string; Rich's own colours stay."""
    table = Table(HOSTILE)
    table.add_row(HOSTILE)
    printed: list[RenderableType] = [HOSTILE, Text(HOSTILE), table]
    for each in printed:
        out = io.StringIO()
        console = SafeConsole(file=out, force_terminal=is_terminal, width=120, color_system=None)
        console.print(each)
        assert not OBEYED & set(out.getvalue())
        assert "␛" in out.getvalue()


def test_harmless_text_is_left_alone() -> None:
    """Letters of any script, tabs, line ends and emoji."""
    text = "Größe 大小\tحجم 🙂\n"
    assert harmless(text) == text


def test_json_stays_the_same_value() -> None:
    """Only the notation differs."""
    text = harmless_json({HOSTILE: [HOSTILE, "Größe"]})
    assert not OBEYED & set(text)
    assert "Größe" in text
    assert json.loads(text) == {HOSTILE: [HOSTILE, "Größe"]}


@pytest.mark.parametrize("arguments", [["jobs"], ["show"], ["watch", "job-1"], ["jobs", "--json"], ["logs", "job-1"]])
def test_a_hostile_job_is_shown_harmlessly(arguments: list[str]) -> None:
    """Its name, and why it failed."""
    failure = StepFailure(code="failed", message=HOSTILE, retryable=False, log=HOSTILE)
    job = make_job(make_step("train", "failed", failure=failure), state="failed", error=HOSTILE, name=HOSTILE)
    gateway = FakeGateway(looks=[job])
    data = json.dumps({"id": 1, "type": "job", "at": "2026-01-01T00:00:00Z", "data": {"state": HOSTILE}})
    stream = f"event: job\nid: 1\ndata: {data}\n\n"
    gateway.answers["GET", "/v1/jobs/job-1/events"] = httpx.Response(
        200, text=stream, headers={"content-type": "text/event-stream"}
    )
    ran = run_command(gateway, arguments)
    assert not OBEYED & set(ran.out + ran.err)
    assert "owned" in ran.out


def test_an_error_is_shown_harmlessly() -> None:
    """It is in the gateway's words, with the value that was sent."""
    gateway = FakeGateway(looks=[make_job()])
    problem = {"field": HOSTILE, "value": HOSTILE, "message": HOSTILE, "accepted": HOSTILE}
    gateway.refuse("GET", "/v1/jobs/job-1", 422, title=HOSTILE, detail=HOSTILE, errors=[problem])
    ran = run_command(gateway, ["show", "job-1"])
    assert ran.exit_code == 5
    assert not OBEYED & set(ran.err)


@pytest.mark.parametrize("job", ["weird id/..", "../jobs", "\x1b[2J", "", "x" * 41])
@pytest.mark.parametrize("command", ["show", "cancel", "report", "pull", "delete"])
def test_an_id_that_can_not_be_one_is_never_sent(command: str, job: str) -> None:
    """It could lead to another path."""
    gateway = FakeGateway()
    ran = run_command(gateway, [command, job])
    assert (ran.exit_code, gateway.requests) == (2, [])
    assert "is not a job id; accepted: 1 to 40 letters" in ran.err
    assert not OBEYED & set(ran.err)


@pytest.mark.parametrize("name", ["", ".", ".."])
@pytest.mark.parametrize(
    "command", [["datasets", "delete", "--yes"], ["models", "delete", "--yes"], ["samples"], ["latency-model"]]
)
def test_a_name_that_leads_elsewhere_is_never_sent(command: list[str], name: str) -> None:
    """A proxy takes ``..`` out of a path, with the part before it."""
    gateway = FakeGateway()
    ran = run_command(gateway, [*command, name])
    assert (ran.exit_code, gateway.requests) == (2, [])
    assert f"{name!r} is not a name" in ran.err
