"""A job's curves and figures for TensorBoard and MLflow, each compared with the real program where it is installed."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from edgepress_client.cli import app
from edgepress_client.cli.invocation import Invocation
from edgepress_client.cli.terminal import open_console
from edgepress_client.tracking.mlflow import MlflowServer
from edgepress_client.tracking.tensorboard import write_event_files
from edgepress_common.answers.report import Report
from edgepress_common.errors import InvalidInputError, UnavailableError
from fakes.command_line import run_command
from fakes.job_gateway import BEGIN, FakeGateway
from fakes.mlflow_server import FakeMlflow
from fakes.paper_report import paper_report
from fakes.reports import make_report, make_row

# TensorBoard's own reader, told that there is no TensorFlow, whose files on clouds it would read with. In a process of
# its own, so that nothing else in this one is told so.
_READER = """
import json, sys, types
sys.modules["tensorboard.compat.notf"] = types.ModuleType("notf")
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
found = {}
for folder in sys.argv[1:]:
    accumulator = EventAccumulator(folder)
    accumulator.Reload()
    tags = accumulator.Tags()["scalars"]
    found[folder] = {tag: [(e.step, e.value, e.wall_time) for e in accumulator.Scalars(tag)] for tag in tags}
json.dump(found, sys.stdout)
"""

Scalars = dict[str, list[tuple[int, float, float]]]


def _read(*folders: Path) -> list[Scalars]:
    done = subprocess.run(
        [sys.executable, "-c", _READER, *folders], capture_output=True, text=True, check=False, timeout=250
    )
    assert done.returncode == 0, done.stderr
    return list(json.loads(done.stdout).values())


def test_tensorboard_reads_what_is_written(tmp_path: Path) -> None:
    """Its own reader finds every curve of every training, with steps, values and times."""
    report = paper_report()

    written = write_event_files(report, tmp_path)

    assert len(written) == len(report.trainings) == 14
    assert {str(place) for place in written} >= {"base/1-train", "PQAT/3-quantize_aware", "student alone/1-train"}
    base = next(each for each in report.trainings if each.pipelines[0] == "base")
    train, validation = _read(tmp_path / "base/1-train/train", tmp_path / "base/1-train/validation")
    assert set(train) == {"epoch_loss", "epoch_accuracy", "epoch_learning_rate", "epoch_seconds"}
    assert set(validation) == {"epoch_loss", "epoch_accuracy"}
    for scalars, tag, wanted in (
        (train, "epoch_loss", [epoch.loss for epoch in base.epochs]),
        (validation, "epoch_accuracy", [epoch.val_accuracy for epoch in base.epochs]),
    ):
        assert [step for step, _, _ in scalars[tag]] == [epoch.epoch for epoch in base.epochs]
        assert [value for _, value, _ in scalars[tag]] == pytest.approx(wanted, rel=1e-6)
    ends = [at for _, _, at in train["epoch_loss"]]
    assert ends[-1] == pytest.approx(BEGIN.timestamp() + sum(epoch.seconds for epoch in base.epochs))


def test_writing_again_replaces_the_files(tmp_path: Path) -> None:
    """A job that is exported twice has each value once, at its time."""
    report = paper_report()
    for _ in range(2):
        write_event_files(report, tmp_path)

    (scalars,) = _read(tmp_path / "base/1-train/train")

    assert [step for step, _, _ in scalars["epoch_loss"]] == [each.epoch for each in report.trainings[0].epochs]


def test_tensorboard_is_optional(tmp_path: Path) -> None:
    """Where it is not installed, the command says how to install it."""
    program = (
        "import sys; sys.modules['tensorboard'] = None\n"
        "from pathlib import Path\n"
        "from edgepress_client.tracking.tensorboard import write_event_files\n"
        "from fakes.paper_report import paper_report\n"
        f"write_event_files(paper_report(), Path({str(tmp_path)!r}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stderr.rstrip().endswith("install it with: pip install 'edgepress-client[tensorboard]'")


def test_a_pipelines_name_is_not_a_path(tmp_path: Path) -> None:
    """Its files stay in the folder that was asked for."""
    report = paper_report()
    trainings = tuple(each.model_copy(update={"pipelines": ("../../up",)}) for each in report.trainings[:1])

    (place,) = write_event_files(report.model_copy(update={"trainings": trainings}), tmp_path)

    assert (tmp_path / place).resolve().is_relative_to(tmp_path.resolve())
    assert (tmp_path / place / "train").is_dir()


def _gateway(report: Report) -> FakeGateway:
    gateway = FakeGateway()
    content = report.model_dump_json()
    gateway.answers["GET", f"/v1/jobs/{report.job.id}/report"] = httpx.Response(200, content=content)
    return gateway


def test_the_command_says_where_the_files_are(tmp_path: Path) -> None:
    """The command prints how to open them; a job without a finished training is an error."""
    report = paper_report()
    ran = run_command(_gateway(report), ["tensorboard", report.job.id, "--to", str(tmp_path / "logs")])
    assert (ran.exit_code, ran.out.count("\n")) == (0, 14)
    assert f"tensorboard --logdir {tmp_path / 'logs'}" in ran.err
    none = run_command(_gateway(make_report()), ["tensorboard", "job-1", "--to", str(tmp_path / "none")])
    assert (none.exit_code, "has no finished training yet" in none.err) == (4, True)
    (tmp_path / "file").write_text("")
    refused = run_command(_gateway(report), ["tensorboard", report.job.id, "--to", str(tmp_path / "file")])
    assert (refused.exit_code, "can't write" in refused.err) == (2, True)


@pytest.fixture
def mlflow() -> FakeMlflow:
    """A stand-in of a tracking server."""
    return FakeMlflow()


def _client(mlflow: FakeMlflow) -> httpx.Client:
    return httpx.Client(base_url="http://mlflow", transport=mlflow.transport)


@pytest.mark.parametrize("server", ["stand-in", "real"])
def test_a_job_becomes_runs(server: str, mlflow: FakeMlflow) -> None:
    """One for it, one for each training, one for each row; and none when it is exported again."""
    report = paper_report()
    url = os.environ.get("EDGEPRESS_TEST_MLFLOW_URL", "")
    if server == "real" and not url:
        pytest.skip("EDGEPRESS_TEST_MLFLOW_URL names no tracking server")
    job = report.job.model_copy(update={"id": f"job-{os.urandom(8).hex()}"})
    report = report.model_copy(update={"job": job})
    with httpx.Client(base_url=url, timeout=60) if server == "real" else _client(mlflow) as http:
        exported = MlflowServer(http).export(report, "edgepress", address="http://gateway/report")
        again = MlflowServer(http).export(report, "edgepress", address="http://gateway/report")

        found = http.post(
            "/api/2.0/mlflow/runs/search",
            json={
                "experiment_ids": ["1", "2", "3"] if server == "real" else ["1"],
                "filter": f"tags.`mlflow.parentRunId` = '{exported.run_id}'",
                "max_results": 1000,
            },
        ).json()["runs"]

    assert exported.runs == 1 + len(report.trainings) + len(report.rows)
    assert len(found) == exported.runs - 1
    assert (again.run_id, again.runs) == (exported.run_id, 0)


def test_runs_have_what_was_asked_for_and_found(mlflow: FakeMlflow) -> None:
    """Parameters and tags as text, metrics with step and time."""
    report = paper_report()

    with _client(mlflow) as http:
        MlflowServer(http).export(report, "edgepress", address="http://gateway/report")

    job, *others = mlflow.runs.values()
    assert job["info"]["run_name"] == f"{report.job.name} ({report.job.id})"
    assert (job["tags"]["edgepress.job"], job["params"]["architecture"]) == (report.job.id, "resnet18")
    training = next(run for run in others if run["info"]["run_name"] == "base: 1-train")
    losses = [(each["step"], each["value"]) for each in training["metrics"] if each["key"] == "val_loss"]
    assert losses == [(epoch.epoch, epoch.val_loss) for epoch in report.trainings[0].epochs]
    row = next(run for run in others if run["info"]["run_name"].startswith("base: int8 on pi4"))
    metrics = {each["key"]: each["value"] for each in row["metrics"]}
    wanted = next(each for each in report.rows if (each.pipeline, each.export) == ("base", "int8"))
    assert (metrics["accuracy"], metrics["latency_ms_p50"]) == (wanted.accuracy, wanted.latency_ms.p50)
    assert row["params"]["model_sha256"] == wanted.model_sha256
    assert {run["info"]["status"] for run in mlflow.runs.values()} == {"FINISHED"}


def test_an_interrupted_export_is_repeated(mlflow: FakeMlflow) -> None:
    """The job's run is only marked as done when all are there."""
    report = make_report(make_row("float32"), make_row("int8"))
    mlflow.breaks_at = 9
    with _client(mlflow) as http, pytest.raises(UnavailableError, match="mlflow"):
        MlflowServer(http).export(report, "edgepress", address="")
    mlflow.breaks_at = None
    with _client(mlflow) as http:
        assert MlflowServer(http).export(report, "edgepress", address="").runs == 3


def test_a_job_that_goes_on_is_not_exported(mlflow: FakeMlflow) -> None:
    """Its later results would be missing for ever."""
    with _client(mlflow) as http, pytest.raises(InvalidInputError, match="accepted: a job that has ended"):
        MlflowServer(http).export(make_report(complete=False), "edgepress", address="")
    assert mlflow.asked == 0


def test_another_server_is_told_from_a_tracking_server_without_the_experiment() -> None:
    """A page with 404 does not say that the experiment does not exist."""
    page = httpx.MockTransport(lambda _: httpx.Response(404, text="<html>not found</html>"))
    with httpx.Client(base_url="http://mlflow", transport=page) as http, pytest.raises(InvalidInputError, match="404"):
        MlflowServer(http).export(make_report(), "edgepress", address="")


def test_the_export_is_behind_a_setting(monkeypatch: pytest.MonkeyPatch, mlflow: FakeMlflow) -> None:
    """Without the setting, the error names it; with it, the token and the experiment come from the settings."""
    report = make_report(make_row("float32"))
    gateway = _gateway(report)
    off = run_command(gateway, ["mlflow", "job-1"])
    assert (off.exit_code, "EDGEPRESS_MLFLOW_URL" in off.err, gateway.requests) == (2, True, [])

    shown: list[str | None] = []

    def lead(request: httpx.Request) -> httpx.Response:
        if request.url.host == "mlflow":
            shown.append(request.headers.get("authorization"))
            return mlflow.transport.handle_request(request)
        return gateway.transport.handle_request(request)

    for name, value in (("URL", "http://mlflow"), ("TOKEN", "secret"), ("EXPERIMENT", "cells")):
        monkeypatch.setenv(f"EDGEPRESS_MLFLOW_{name}", value)
    out = io.StringIO()
    here = Invocation(open_console(out), open_console(out), httpx.MockTransport(lead))
    ran = CliRunner().invoke(app, ["mlflow", "job-1"], obj=here, catch_exceptions=False)

    assert (ran.exit_code, "job-1: 2 runs, in cells" in out.getvalue()) == (0, True), out.getvalue()
    assert set(shown) == {"Bearer secret"}
    assert list(mlflow.experiments) == ["cells"]
