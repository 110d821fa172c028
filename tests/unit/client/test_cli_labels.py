"""`edgepress label`, and the filters of `edgepress jobs`."""

import json
from typing import Any

import httpx

from fakes.command_line import run_command
from fakes.job_gateway import FakeGateway, make_job, make_step

PATH = "/v1/jobs/job-7/labels"


def labelled(**labels: Any) -> tuple[FakeGateway, Any]:
    """A gateway with one job, and the job as it is after its labels have changed."""
    job = make_job(make_step("train"), id_="job-7").model_copy(update=labels)
    answers = {("PUT", PATH): httpx.Response(200, content=job.model_dump_json())}
    return FakeGateway(looks=[job], answers=answers), job


def test_tags_are_added_and_removed_and_the_rest_stays() -> None:
    """A tag that the job has already is not added twice."""
    gateway, _ = labelled(project="doors", tags=("night", "v1"), notes="dirty lens")
    arguments = ["label", "job-7", "--tag", "v2", "--tag", "night", "--untag", "v1"]
    assert run_command(gateway, arguments).exit_code == 0
    (sent,) = [json.loads(request.content) for request in gateway.requests if request.method == "PUT"]
    assert sent["project"] == "doors"
    assert list(dict.fromkeys(sent["tags"])) == ["night", "v2"]
    assert sent["notes"] == "dirty lens"


def test_an_empty_project_is_none() -> None:
    """A script with an empty variable removes the project."""
    gateway, _ = labelled(project="doors")
    run_command(gateway, ["label", "job-7", "--project", "", "--notes", "new"])
    (sent,) = [json.loads(request.content) for request in gateway.requests if request.method == "PUT"]
    assert sent == {"project": None, "tags": [], "notes": "new"}


def test_labels_are_shown_without_options() -> None:
    """Nothing is sent but the question."""
    gateway, _ = labelled(tags=("night",))
    ran = run_command(gateway, ["label", "job-7"])
    assert [line.split() for line in ran.out.splitlines()] == [
        ["project", "none"],
        ["tags", "night"],
        ["notes", "none"],
    ]
    assert {request.method for request in gateway.requests} == {"GET"}


def test_a_list_asks_for_all_filters() -> None:
    """A day without a time zone begins where the user is; labels have columns where a job has any."""
    gateway, _ = labelled(project="doors", tags=("night", "v1"))
    filters = ["--search", "lens dirty", "--project", "doors", "--tag", "night", "--tag", "v1", "--network", "resnet18"]
    ran = run_command(gateway, ["jobs", *filters, "--dataset", "cells", "--device", "pi4", "--since", "2026-11-02"])
    asked = gateway.requests[0].url.params
    assert (asked["q"], asked["project"], asked.get_list("tag")) == ("lens dirty", "doors", ["night", "v1"])
    assert (asked["network"], asked["dataset"], asked["device"]) == ("resnet18", "cells", "pi4")
    assert asked["created_from"].startswith("2026-11-02T00:00:00")
    head, line = ran.out.splitlines()
    assert head.split()[-2:] == ["project", "tags"]
    assert line.split()[-3:] == ["doors", "night", "v1"]
