"""Listing, showing and watching jobs."""

import json

import httpx
import pytest

from edgepress_common.answers.jobs import JobView
from edgepress_common.results import PackResult
from fakes.command_line import run_command
from fakes.job_gateway import FakeGateway, make_job, make_step


def test_jobs_are_listed_over_pages_up_to_the_limit() -> None:
    """Pages are requested as needed, with the filter."""
    gateway = FakeGateway(looks=[make_job(make_step("train"), id_=f"job-{n}") for n in range(5)])

    ran = run_command(gateway, ["jobs", "--limit", "3", "--state", "running"])

    assert [line.split()[0] for line in ran.out.splitlines()] == ["job", "job-0", "job-1", "job-2"]
    assert [request.url.params.get("state") for request in gateway.requests] == ["running", "running"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--state", "done"], "Invalid value for '--state': 'done' is not one of 'queued', "),
        (["--limit", "0"], "Invalid value for '--limit': should be greater than or equal to 1"),
        (["--limit", "abc"], "Invalid value for '--limit': should be an integer"),
        (["--limit", "1.5"], "Invalid value for '--limit': should be an integer"),
    ],
)
def test_a_value_that_can_not_be_used_is_refused_without_words_of_a_library(arguments: list[str], words: str) -> None:
    """With the option, the value, and what is accepted."""
    ran = run_command(FakeGateway(), ["jobs", *arguments])
    assert (ran.exit_code, words in " ".join(ran.err.replace("│", "").split())) == (2, True), ran.err


def test_names_are_printed_as_they_are() -> None:
    """Text in a job's name that looks like markup of the terminal library is not markup."""
    job = make_job(make_step("train"), name="[red]x[/] :warning:")

    assert "[red]x[/] :warning:" in run_command(FakeGateway(looks=[job]), ["jobs"]).out
    assert "[red]x[/] :warning:" in run_command(FakeGateway(looks=[job]), ["show"]).out


def test_latest_is_the_newest_job() -> None:
    """The id is not needed; without any job the error says so."""
    gateway = FakeGateway(looks=[make_job(make_step("train", "running"), id_="job-7")])
    ran = run_command(gateway, ["show", "latest"])
    assert ran.out.startswith("job-7  digits  running  50 %")
    assert "train  running" in ran.out

    nothing = run_command(FakeGateway(), ["show"])
    assert (nothing.exit_code, "has no jobs yet" in nothing.err) == (4, True)


@pytest.mark.parametrize("test_counts", [None, (3, 4)])
def test_the_images_of_each_split_are_shown(test_counts: tuple[int, ...] | None) -> None:
    """Once they are packed, by class and in all; the test split only where there is one."""
    pack = make_step("pack", kind="pack")
    gateway = FakeGateway(looks=[make_job(pack, make_step("train", "running"))])
    counts = PackResult(
        classes=("cat", "[red]dog[/]"), train_counts=(80, 90), validation_counts=(8, 9), test_counts=test_counts
    )
    gateway.add_detail(pack, {}, counts)

    lines = [line.split() for line in run_command(gateway, ["show"]).out.splitlines()]

    test = [[], [], [], []] if test_counts is None else [["test"], ["3"], ["4"], ["7"]]
    assert lines[-4:] == [
        ["images", "training", "validation", *test[0]],
        ["cat", "80", "8", *test[1]],
        ["[red]dog[/]", "90", "9", *test[2]],
        ["all", "170", "17", *test[3]],
    ]


def test_a_job_that_does_not_exist_is_refused() -> None:
    """Exit code 4, in the gateway's words."""
    ran = run_command(FakeGateway(), ["show", "job-404"])

    assert (ran.exit_code, "Not found" in ran.err) == (4, True)


def test_a_watched_job_that_fails_is_exit_code_1() -> None:
    """Its error is the last line; no report is shown."""
    looks = [
        make_job(make_step("train", "running")),
        make_job(make_step("train", "failed"), state="failed", error="why"),
    ]

    ran = run_command(FakeGateway(looks=looks), ["watch", "job-1"])

    assert ran.exit_code == 1
    assert "job-1 failed: why" in ran.out


def test_ctrl_c_leaves_the_watched_job_running() -> None:
    """The output says so, and how to resume; the job is not cancelled."""

    class Interrupting(FakeGateway):
        def _answer(self, request: httpx.Request) -> httpx.Response:
            if self.requests:
                raise KeyboardInterrupt
            return super()._answer(request)

    gateway = Interrupting(looks=[make_job(make_step("train", "running"))])

    ran = run_command(gateway, ["watch", "job-1"])

    assert ran.exit_code == 0
    assert "job-1 is still running; follow it again with: edgepress watch job-1" in ran.err
    assert [request.method for request in gateway.requests] == ["GET"]


def test_a_result_is_json_and_so_is_an_error() -> None:
    """The answer of the gateway on standard output alone; an error on standard error, with the exit code."""
    gateway = FakeGateway(looks=[make_job(make_step("train"), state="succeeded")])
    listed, shown = run_command(gateway, ["jobs", "--json"]), run_command(gateway, ["show", "--json"])
    assert ([job["id"] for job in json.loads(listed.out)], listed.err) == (["job-1"], "")
    assert JobView.model_validate_json(shown.out) == gateway.looks[0]

    missing = run_command(gateway, ["show", "job-2", "--json"])
    assert (missing.out, missing.exit_code) == ("", 4)
    assert json.loads(missing.err)["error"]["exit_code"] == 4


def test_a_watched_job_is_json_once_it_has_ended() -> None:
    """Progress lines are not printed; the exit code says whether it succeeded."""
    looks = [make_job(make_step("train", "running")), make_job(make_step("train", "failed"), state="failed")]
    ran = run_command(FakeGateway(looks=looks), ["watch", "job-1", "--json"])
    assert (json.loads(ran.out)["state"], ran.exit_code, ran.err) == ("failed", 1, "")
