"""The commands, against a gateway in a few lines."""

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from edgepress_api.cli import app
from edgepress_api.cli.invocation import Invocation, open_console
from edgepress_api.devices.listing import DeviceList, DeviceView
from edgepress_api.jobs.submission import PlanPreview
from edgepress_common.devices import Announcement
from edgepress_common.plan import make_plan
from edgepress_common.results import PackResult
from edgepress_common.spec import JobSpec
from fakes.job_gateway import BEGIN, FakeGateway, make_job, make_step

MODELS = Path(__file__).parents[2] / "fakes" / "models"
SPEC = {"name": "digits", "dataset": {"kind": "builtin", "image_size": 32}, "model": {"architecture": "resnet18"}}


@dataclass
class Ran:
    """What a command wrote, and how it ended."""

    out: str
    err: str
    exit_code: int


def _run(gateway: FakeGateway, arguments: Sequence[str], *, stdin: bytes | None = None) -> Ran:
    out, err = io.StringIO(), io.StringIO()
    invocation = Invocation(open_console(out), open_console(err), gateway.transport)
    result = CliRunner().invoke(app, list(arguments), obj=invocation, input=stdin, catch_exceptions=False)
    return Ran(out.getvalue(), err.getvalue() + result.output, result.exit_code)


def _accepted(id_: str) -> httpx.Response:
    return httpx.Response(202, content=make_job(make_step("train", "waiting"), id_=id_).model_dump_json())


@pytest.mark.parametrize(
    ("name", "content", "media_type"),
    [
        ("job.json", b'{"name": "x"}', "application/json"),
        ("job.yaml", b"name: x", "application/yaml"),
        ("job", b' {"name": "x"}', "application/json"),
    ],
)
def test_submit_sends_the_file_as_it_is(tmp_path: Path, name: str, content: bytes, media_type: str) -> None:
    """The gateway reads the description, nobody else; the id is all that is printed."""
    gateway = FakeGateway(answers={("POST", "/v1/jobs"): _accepted("job-9")})
    (tmp_path / name).write_bytes(content)

    ran = _run(gateway, ["submit", str(tmp_path / name)])

    assert (ran.out, ran.exit_code) == ("job-9\n", 0)
    assert gateway.requests[0].content == content
    assert gateway.requests[0].headers["content-type"] == media_type


def test_submit_reads_standard_input() -> None:
    """A dash stands for it."""
    gateway = FakeGateway(answers={("POST", "/v1/jobs"): _accepted("job-9")})

    assert _run(gateway, ["submit", "-"], stdin=b"name: x").exit_code == 0
    assert gateway.requests[0].content == b"name: x"


def test_a_spec_that_is_not_there_is_wrong_use() -> None:
    """Nothing is sent."""
    gateway = FakeGateway()

    ran = _run(gateway, ["submit", "nowhere.yaml"])

    assert ran.exit_code == 2
    assert "can't read nowhere.yaml: No such file" in ran.err
    assert gateway.requests == []


def test_a_refused_spec_is_explained_field_by_field(tmp_path: Path) -> None:
    """Each field with what is wrong, the value, and what is accepted; exit code 2."""
    gateway = FakeGateway()
    problem = {
        "field": "model.architecture",
        "value": "resnet19",
        "message": "no such",
        "accepted": "resnet18, resnet34",
    }
    gateway.refuse("POST", "/v1/jobs", 422, title="The spec is not acceptable", detail="...", errors=[problem])
    (tmp_path / "job.yaml").write_text("name: x")

    ran = _run(gateway, ["submit", str(tmp_path / "job.yaml")])

    assert ran.exit_code == 2
    assert [line.strip() for line in ran.err.splitlines()] == [
        "Refused: The spec is not acceptable",
        "model.architecture: no such",
        "value:    'resnet19'",
        "accepted: resnet18, resnet34",
    ]


def test_no_gateway_is_exit_code_3() -> None:
    """The message names the address and the ways out."""
    ran = _run(FakeGateway(is_away=True), ["jobs", "--gateway", "http://box:1234"])

    assert ran.exit_code == 3
    assert "no gateway answers at http://box:1234" in ran.err
    assert "edgepress up" in ran.err


def test_a_gateway_that_cant_answer_now_is_exit_code_3() -> None:
    """A 503 is no refusal: the same may go through later."""
    gateway = FakeGateway()
    gateway.refuse("GET", "/v1/jobs/job-1", 503, title="Something the server needs is away", detail="no Redis")

    ran = _run(gateway, ["show", "job-1"])

    assert (ran.exit_code, "no Redis" in ran.err) == (3, True)


def test_something_else_than_a_gateway_is_told() -> None:
    """An answer that is none of a gateway's is not taken for one."""
    gateway = FakeGateway(answers={("GET", "/v1/jobs"): httpx.Response(200, text="<html>")})

    ran = _run(gateway, ["jobs"])

    assert ran.exit_code == 3
    assert "does not answer as an Edgepress gateway" in ran.err


def test_an_address_that_is_none_is_refused() -> None:
    """A forgotten http:// is said to be just that."""
    ran = _run(FakeGateway(), ["jobs", "--gateway", "localhost:8000"])

    assert (ran.exit_code, "accepted: http://host:port" in ran.err) == (2, True)


def test_the_environment_names_gateway_and_token(monkeypatch: pytest.MonkeyPatch) -> None:
    """EDGEPRESS_GATEWAY and EDGEPRESS_TOKEN are heeded; a path in the address stays."""
    monkeypatch.setenv("EDGEPRESS_GATEWAY", "https://press.example/edge")
    monkeypatch.setenv("EDGEPRESS_TOKEN", "secret")
    gateway = FakeGateway(answers={("POST", "/edge/v1/jobs/job-1/cancel"): httpx.Response(200)})

    assert _run(gateway, ["cancel", "job-1"]).exit_code == 0
    assert str(gateway.requests[0].url) == "https://press.example/edge/v1/jobs/job-1/cancel"
    assert gateway.requests[0].headers["authorization"] == "Bearer secret"


def test_validate_shows_the_plan_and_what_is_done() -> None:
    """Each step once, at the first pipeline that needs it; done ones are marked."""
    pipelines = [{"name": "base", "exports": ["int8"]}, {"name": "again", "exports": ["int8", "float16"]}]
    spec = JobSpec.model_validate(SPEC | {"pipelines": pipelines})
    plan = make_plan(spec, fingerprint="f", devices=["any"])
    preview = PlanPreview(plan=plan, done=(plan.steps[0].key,))
    gateway = FakeGateway(answers={("POST", "/v1/jobs"): httpx.Response(200, content=preview.model_dump_json())})

    ran = _run(gateway, ["validate", "-"], stdin=json.dumps(SPEC).encode())

    assert gateway.requests[0].url.params["validate_only"] == "true"
    assert [line.strip("│├└─ ") for line in ran.out.splitlines()] == [
        "6 steps, 1 of them done before",
        "base",
        "pack  done before",
        "train resnet18, 10 epochs  stage",
        "int8  export",
        "int8 on any  evaluation",
        "again",
        "shared with those above: pack, train, int8, int8 on any",
        "float16  export",
        "float16 on any  evaluation",
    ]


def test_jobs_are_listed_over_pages_up_to_the_limit() -> None:
    """Pages are asked for as far as they are needed, with the filter."""
    gateway = FakeGateway(looks=[make_job(make_step("train"), id_=f"job-{n}") for n in range(5)])

    ran = _run(gateway, ["jobs", "--limit", "3", "--state", "running"])

    assert [line.split()[0] for line in ran.out.splitlines()] == ["job", "job-0", "job-1", "job-2"]
    assert [request.url.params.get("state") for request in gateway.requests] == ["running", "running"]


def test_names_are_printed_as_they_are() -> None:
    """What looks like the terminal library's markup in a job's name is no markup."""
    job = make_job(make_step("train"), name="[red]x[/] :warning:")

    assert "[red]x[/] :warning:" in _run(FakeGateway(looks=[job]), ["jobs"]).out
    assert "[red]x[/] :warning:" in _run(FakeGateway(looks=[job]), ["show"]).out


def test_latest_is_the_newest_job() -> None:
    """Its id need not be known; without any job that is said."""
    gateway = FakeGateway(looks=[make_job(make_step("train", "running"), id_="job-7")])
    ran = _run(gateway, ["show", "latest"])
    assert ran.out.startswith("job-7  digits  running  50 %")
    assert "train  running" in ran.out

    nothing = _run(FakeGateway(), ["show"])
    assert (nothing.exit_code, "has no jobs yet" in nothing.err) == (2, True)


def test_a_job_that_does_not_exist_is_refused() -> None:
    """Exit code 2, in the gateway's words."""
    ran = _run(FakeGateway(), ["show", "job-404"])

    assert (ran.exit_code, "There is no such thing" in ran.err) == (2, True)


def test_a_watched_job_that_fails_is_exit_code_1() -> None:
    """Its error is the last thing told; there is no report to show."""
    looks = [
        make_job(make_step("train", "running")),
        make_job(make_step("train", "failed"), state="failed", error="why"),
    ]

    ran = _run(FakeGateway(looks=looks), ["watch", "job-1"])

    assert ran.exit_code == 1
    assert "job-1 failed: why" in ran.out


def test_ctrl_c_leaves_the_watched_job_running() -> None:
    """It says so, and how to come back; nothing is cancelled."""

    class Interrupting(FakeGateway):
        def _answer(self, request: httpx.Request) -> httpx.Response:
            if self.requests:
                raise KeyboardInterrupt
            return super()._answer(request)

    gateway = Interrupting(looks=[make_job(make_step("train", "running"))])

    ran = _run(gateway, ["watch", "job-1"])

    assert ran.exit_code == 0
    assert "job-1 goes on without you; see it again with: edgepress watch job-1" in ran.err
    assert [request.method for request in gateway.requests] == ["GET"]


def test_pull_fetches_models_with_labels_and_preprocessing(tmp_path: Path) -> None:
    """Each finished export in its pipeline's folder, and what a device needs to know of them."""
    pack, done = make_step("pack", kind="pack"), make_step("int8", kind="export")
    gateway = FakeGateway(looks=[make_job(pack, done, make_step("float16", "failed", kind="export"), state="failed")])
    content = (MODELS / "tiny_int8.tflite").read_bytes()
    gateway.add_detail(done, {"tflite": gateway.add_artifact(content)})
    gateway.add_detail(pack, {}, PackResult(classes=("zero", "one"), train_counts=(1, 1), validation_counts=(1, 1)))

    ran = _run(gateway, ["pull", "job-1", "--to", str(tmp_path)])

    assert ran.exit_code == 0
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.*")) == [
        "base/int8.tflite",
        "labels.txt",
        "preprocessing.json",
    ]
    assert (tmp_path / "base" / "int8.tflite").read_bytes() == content
    assert (tmp_path / "labels.txt").read_text() == "zero\none\n"
    preprocessing = json.loads((tmp_path / "preprocessing.json").read_text())
    assert (preprocessing["color"], preprocessing["width"], preprocessing["height"]) == ("RGB", 32, 32)
    assert preprocessing["models"]["base/int8.tflite"]["input"] == {
        "type": "int8",
        "shape": [1, 32, 32, 3],
        "scale": pytest.approx(0.5098, abs=1e-4),
        "zero_point": -128,
    }


def test_a_download_that_comes_damaged_leaves_no_file(tmp_path: Path) -> None:
    """Bytes that don't match their name are an error, not a model."""
    pack, done = make_step("pack", kind="pack"), make_step("int8", kind="export")
    gateway = FakeGateway(looks=[make_job(pack, done, state="succeeded")])
    reference = gateway.add_artifact(b"whole")
    gateway.artifacts[reference.sha256] = b"hal"
    gateway.add_detail(done, {"tflite": reference})

    ran = _run(gateway, ["pull", "job-1", "--to", str(tmp_path)])

    assert (ran.exit_code, "came as other bytes" in ran.err) == (2, True)
    assert list((tmp_path / "base").iterdir()) == []


def test_nothing_to_pull_is_said(tmp_path: Path) -> None:
    """A job without a finished export leaves no empty folder behind."""
    gateway = FakeGateway(looks=[make_job(make_step("train", "running"))])

    ran = _run(gateway, ["pull", "job-1", "--to", str(tmp_path / "new")])

    assert (ran.exit_code, "no finished export yet" in ran.err) == (2, True)
    assert not (tmp_path / "new").exists()


def test_devices_are_listed_with_their_labels() -> None:
    """What they are, what jobs can ask for, and whether they are there."""
    announcement = Announcement(
        labels=("arm64", "rpi4"), board="Pi 4", machine="aarch64", cores=4, memory_bytes=1, runtime="r"
    )
    seen = {"first_seen_at": BEGIN, "last_seen_at": BEGIN, "announcement": announcement}
    device = DeviceView(name="shelf", online=True, waiting=3, running=1, **seen)
    listed = DeviceList(devices=(device,), waiting_for_any=0)
    gateway = FakeGateway(answers={("GET", "/v1/devices"): httpx.Response(200, content=listed.model_dump_json())})

    ran = _run(gateway, ["devices"])

    assert ran.out.splitlines()[1].split() == ["shelf", "yes", "arm64,", "rpi4", "Pi", "4,", "4", "cores", "1", "3"]
