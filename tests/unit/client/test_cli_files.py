"""Commands that receive and remove: download, logs, delete; proxies; and data frames."""

import io
import json
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from edgepress_client import Client
from edgepress_client.cli import app
from edgepress_client.cli.invocation import Invocation
from edgepress_client.cli.terminal import SafeConsole
from edgepress_client.errors import MissingLibraryError
from edgepress_client.report import JobReport
from edgepress_common.errors import InvalidInputError
from edgepress_common.messages import StepFailure
from edgepress_common.results import PackResult
from fakes.command_line import run_command
from fakes.job_gateway import FakeGateway, make_job, make_step
from fakes.reports import make_report, make_row

MODELS = Path(__file__).parents[2] / "fakes" / "models"


def test_logs_show_what_happened_and_why_steps_failed() -> None:
    """Each event with its time, and the end of the log of a failed step."""
    failure = StepFailure(code="out_of_memory", message="no memory", retryable=False, log="allocating\nkilled\n")
    gateway = FakeGateway(looks=[make_job(make_step("train", "failed", failure=failure), state="failed")])
    events = [
        {"type": "epoch", "data": {"title": "train", "epoch": 3, "epochs": 8, "metrics": {"val_accuracy": 0.9}}},
        {"type": "job", "data": {"state": "failed"}},
    ]
    stream = "".join(
        f"event: {each['type']}\nid: 1\ndata: {json.dumps(each | {'id': 1, 'at': '2026-01-01T00:00:00Z'})}\n\n"
        for each in events
    )
    gateway.answers["GET", "/v1/jobs/job-1/events"] = httpx.Response(
        200, text=stream, headers={"content-type": "text/event-stream"}
    )
    ran = run_command(gateway, ["logs", "job-1"])
    assert "epoch  train: epoch 3/8, val accuracy 90.0 %" in ran.out
    assert "train failed (out_of_memory): no memory\nallocating\nkilled" in ran.out
    lines = run_command(gateway, ["logs", "job-1", "--json"]).out.splitlines()
    assert [json.loads(line)["type"] for line in lines] == ["epoch", "job"]


def test_a_job_is_deleted_only_if_that_is_confirmed() -> None:
    """A script confirms with an option."""
    gateway = FakeGateway(answers={("DELETE", "/v1/jobs/job-1"): httpx.Response(204)})
    refused = run_command(gateway, ["delete", "job-1"])
    assert (refused.exit_code, "add --yes" in refused.err, gateway.requests) == (2, True, [])
    assert run_command(gateway, ["delete", "job-1", "--yes"]).exit_code == 0
    assert [request.method for request in gateway.requests] == ["DELETE"]


def test_existing_files_are_kept(tmp_path: Path) -> None:
    """Every command that writes a file checks before it downloads, unless it is told to overwrite."""
    pack, export = make_step("pack", kind="pack"), make_step("int8", kind="export")
    gateway = FakeGateway(looks=[make_job(pack, export, state="succeeded")])
    gateway.add_detail(export, {"tflite": gateway.add_artifact((MODELS / "tiny_int8.tflite").read_bytes())})
    gateway.add_detail(pack, {}, PackResult(classes=("0", "1"), train_counts=(1, 1), validation_counts=(1, 1)))
    report = make_report(make_row("int8"))
    gateway.answers["GET", "/v1/jobs/job-1/report"] = httpx.Response(200, content=report.model_dump_json())
    sha256 = report.rows[0].model_sha256
    gateway.answers["GET", f"/v1/jobs/job-1/models/{sha256}/bundle"] = httpx.Response(200, content=b"zip")
    for command, file in (
        (["pull", "job-1", "--to", str(tmp_path)], "labels.txt"),
        (["report", "job-1", "--output", str(tmp_path / "report.csv")], "report.csv"),
        (["bundle", "job-1", "--export", "int8", "--to", str(tmp_path / "model.zip")], "model.zip"),
    ):
        (tmp_path / file).write_text("mine")
        kept = run_command(gateway, command)
        assert (kept.exit_code, "the file exists" in kept.err) == (2, True), command
        assert (tmp_path / file).read_text() == "mine"
        assert run_command(gateway, [*command, "--force"]).exit_code == 0
        assert (tmp_path / file).read_bytes() != b"mine"


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:1080", "nonsense://x"])
def test_a_proxy_that_can_not_be_used_is_a_sentence(monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
    """A proxy is not used for a gateway on this machine."""
    monkeypatch.setenv("ALL_PROXY", proxy)
    for url, code, words in (
        ("https://press.example", 2, "the environment names a"),
        ("http://127.0.0.1:1", 3, "no gateway answers at http://127.0.0.1:1"),
    ):
        err = io.StringIO()
        here = Invocation(SafeConsole(file=err), SafeConsole(file=err, width=500))
        ran = CliRunner().invoke(app, ["jobs", "--gateway", url], obj=here)
        assert (ran.exit_code, words in err.getvalue(), err.getvalue().count("\n")) == (code, True, 1)


def test_certificates_that_can_not_be_read_are_a_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither a missing file nor one of another kind ends in a traceback."""
    (tmp_path / "empty.pem").touch()
    for name in ("missing.pem", "empty.pem"):
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / name))
        with pytest.raises(InvalidInputError, match=f"SSL_CERT_FILE is '.*{name}'.*accepted: a PEM file"):
            Client("https://press.example", token="t")


def test_a_report_becomes_a_data_frame() -> None:
    """A line for each row, with what is inside of fields as columns."""
    pandas = pytest.importorskip("pandas")
    report = JobReport.model_validate(make_report(make_row("int8", p50=1.5), make_row("float32")).model_dump())
    frame = report.to_pandas()
    assert isinstance(frame, pandas.DataFrame)
    assert list(frame["export"]) == ["int8", "float32"]
    assert frame["latency_ms.p50"][0] == 1.5


def test_without_pandas_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error has a class of its own."""
    monkeypatch.setitem(__import__("sys").modules, "pandas", None)
    report = JobReport.model_validate(make_report().model_dump())
    with pytest.raises(MissingLibraryError, match=r"pip install 'edgepress-client\[pandas\]'"):
        report.to_pandas()


def test_the_environment_is_read_by_the_sdk_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A token as a file of a secrets folder included, as the servers read it."""
    (tmp_path / "edgepress_token").write_text("from a file\n")
    monkeypatch.setenv("EDGEPRESS_SECRETS_DIR", f"/nowhere:{tmp_path}")
    monkeypatch.setenv("EDGEPRESS_GATEWAY", "http://box:1/")
    monkeypatch.delenv("EDGEPRESS_TOKEN", raising=False)
    with Client() as client:
        assert (client.url, client.has_token) == ("http://box:1", True)
