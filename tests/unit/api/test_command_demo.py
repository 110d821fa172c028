"""The demonstration, with a stack that runs already for the real one."""

import io
from importlib.resources import files
from pathlib import Path

import httpx
import pytest
import yaml
from typer.testing import CliRunner

from edgepress_api.one_machine.state_folder import StateFolder
from edgepress_client.cli import app
from edgepress_client.cli.invocation import Invocation
from edgepress_client.cli.terminal import open_console
from edgepress_common.results import PackResult
from edgepress_common.spec import JobSpec
from edgepress_common.spec.presets import PRESETS
from fakes.job_gateway import FakeGateway, make_job, make_step
from fakes.reports import make_report, make_row

MODELS = Path(__file__).parents[2] / "fakes" / "models"
DEMO = files("edgepress_api.commands").joinpath("demo.yaml").read_bytes()


def test_the_demos_job_is_real_data_by_the_studys_methods_and_exports() -> None:
    """A spec that can be accepted as it is: digits, ResNet18, and each method of the preset `paper`."""
    spec = JobSpec.model_validate(yaml.safe_load(DEMO))

    assert (spec.dataset.kind, spec.model.architecture, spec.pipelines) == ("builtin", "resnet18", "quick")
    stages = {stage.kind for pipeline in spec.pipeline_list() for stage in pipeline.stages}
    studied = {stage.kind for pipeline in PRESETS["paper"] for stage in pipeline.stages}
    assert {"train", *stages} == studied
    exports = {export.kind for pipeline in spec.pipeline_list() for export in pipeline.exports}
    assert exports == {export.kind for pipeline in PRESETS["paper"] for export in pipeline.exports}


def test_the_demo_uses_a_stack_that_runs_in_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It posts the job like any client, shows table and verdict, and leaves report and models in the folder."""
    monkeypatch.setenv("EDGEPRESS_HOME", str(tmp_path))
    pack, export = make_step("pack", kind="pack"), make_step("int8", kind="export")
    job = make_job(pack, export, state="succeeded")
    gateway = FakeGateway(looks=[job])
    gateway.answers["POST", "/v1/jobs"] = httpx.Response(202, content=job.model_dump_json())
    gateway.answers["GET", "/v1/jobs/job-1/report"] = httpx.Response(
        200, content=make_report(make_row("int8")).model_dump_json()
    )
    gateway.add_detail(export, {"tflite": gateway.add_artifact((MODELS / "tiny_int8.tflite").read_bytes())})
    gateway.add_detail(pack, {}, PackResult(classes=("0", "1"), train_counts=(1, 1), validation_counts=(1, 1)))
    out = io.StringIO()
    invocation = Invocation(open_console(out), open_console(out), gateway.transport)

    with StateFolder(tmp_path.resolve()).held("http://127.0.0.1:4711"):
        result = CliRunner().invoke(app, ["demo"], obj=invocation, catch_exceptions=False)

    assert result.exit_code == 0
    assert gateway.requests[0].content == DEMO
    assert "runs there already, at http://127.0.0.1:4711" in out.getvalue()
    assert "Most accurate: int8, 98.33 % of 360 validation images." in out.getvalue()
    for file in ("report.html", "base/int8.tflite"):
        assert (tmp_path / "demo" / file).is_file()
        assert str(tmp_path / "demo" / file) in out.getvalue()


def test_a_demo_whose_job_fails_is_exit_code_1(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The reason is printed, and no file is pulled."""
    monkeypatch.setenv("EDGEPRESS_HOME", str(tmp_path))
    job = make_job(make_step("train", "failed"), state="failed", error="train: no memory")
    gateway = FakeGateway(looks=[job])
    gateway.answers["POST", "/v1/jobs"] = httpx.Response(202, content=job.model_dump_json())
    out = io.StringIO()

    with StateFolder(tmp_path.resolve()).held("http://127.0.0.1:4711"):
        invocation = Invocation(open_console(out), open_console(out), gateway.transport)
        result = CliRunner().invoke(app, ["demo"], obj=invocation)

    assert (result.exit_code, "job-1 failed: train: no memory" in out.getvalue()) == (1, True)
    assert not (tmp_path / "demo").exists()
