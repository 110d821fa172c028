"""Posting a spec, and looking at its plan."""

import json
from pathlib import Path

import httpx
import pytest

from edgepress_common.answers.jobs import PlanPreview
from edgepress_common.plan import make_plan
from edgepress_common.spec import JobSpec
from fakes.command_line import run_command
from fakes.job_gateway import FakeGateway, make_job, make_step

SPEC = {"name": "digits", "dataset": {"kind": "builtin", "image_size": 32}, "model": {"architecture": "resnet18"}}


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
    """Only the gateway parses the file; the id is the only output."""
    gateway = FakeGateway(answers={("POST", "/v1/jobs"): _accepted("job-9")})
    (tmp_path / name).write_bytes(content)

    ran = run_command(gateway, ["submit", str(tmp_path / name)])

    assert (ran.out, ran.exit_code) == ("job-9\n", 0)
    assert gateway.requests[0].content == content
    assert gateway.requests[0].headers["content-type"] == media_type


def test_submit_reads_standard_input() -> None:
    """A dash stands for it."""
    gateway = FakeGateway(answers={("POST", "/v1/jobs"): _accepted("job-9")})

    assert run_command(gateway, ["submit", "-"], stdin=b"name: x").exit_code == 0
    assert gateway.requests[0].content == b"name: x"


def test_a_spec_that_is_not_there_is_wrong_use() -> None:
    """Nothing is sent."""
    gateway = FakeGateway()

    ran = run_command(gateway, ["submit", "nowhere.yaml"])

    assert ran.exit_code == 2
    assert "can't read nowhere.yaml: No such file" in ran.err
    assert gateway.requests == []


def test_a_refused_spec_is_explained_field_by_field(tmp_path: Path) -> None:
    """Each field with what is wrong, the value, and what is accepted; exit code 5."""
    gateway = FakeGateway()
    problem = {
        "field": "model.architecture",
        "value": "resnet19",
        "message": "no such",
        "accepted": "resnet18, resnet34",
    }
    gateway.refuse("POST", "/v1/jobs", 422, title="The spec is not acceptable", detail="...", errors=[problem])
    (tmp_path / "job.yaml").write_text("name: x")

    ran = run_command(gateway, ["submit", str(tmp_path / "job.yaml")])

    assert ran.exit_code == 5
    assert [line.strip() for line in ran.err.splitlines()] == [
        "Error: The spec is not acceptable",
        "model.architecture: no such",
        "value:    'resnet19'",
        "accepted: resnet18, resnet34",
    ]


def test_validate_shows_the_plan_and_what_is_done() -> None:
    """Each step once, at the first pipeline that needs it; done ones are marked."""
    pipelines = [{"name": "base", "exports": ["int8"]}, {"name": "again", "exports": ["int8", "float16"]}]
    spec = JobSpec.model_validate(SPEC | {"pipelines": pipelines})
    plan = make_plan(spec, fingerprint="f", devices=["any"])
    preview = PlanPreview(plan=plan, done=(plan.steps[0].key,))
    gateway = FakeGateway(answers={("POST", "/v1/jobs"): httpx.Response(200, content=preview.model_dump_json())})

    ran = run_command(gateway, ["validate", "-"], stdin=json.dumps(SPEC).encode())

    assert gateway.requests[0].url.params["validate_only"] == "true"
    assert [line.strip("│├└─ ") for line in ran.out.splitlines()] == [
        "6 steps, 1 of them already done",
        "base",
        "pack  already done",
        "train resnet18, 10 epochs  stage",
        "int8  export",
        "int8 on any  evaluation",
        "again",
        "shared with those above: pack, train, int8, int8 on any",
        "float16  export",
        "float16 on any  evaluation",
    ]


def test_validate_says_that_a_plan_grows() -> None:
    """The plan shown is the one that the job begins with."""
    plan = make_plan(JobSpec.model_validate(SPEC), fingerprint="f", devices=["any"])
    preview = PlanPreview(plan=plan.model_copy(update={"complete": False}), done=())
    gateway = FakeGateway(answers={("POST", "/v1/jobs"): httpx.Response(200, content=preview.model_dump_json())})

    ran = run_command(gateway, ["validate", "-"], stdin=json.dumps(SPEC).encode())

    assert ran.out.splitlines()[0] == f"{len(plan.steps)} steps to begin with, more as results arrive"
