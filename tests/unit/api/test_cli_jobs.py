"""Listing, showing and watching jobs."""

import httpx

from fakes.command_line import run_command
from fakes.job_gateway import FakeGateway, make_job, make_step


def test_jobs_are_listed_over_pages_up_to_the_limit() -> None:
    """Pages are asked for as far as they are needed, with the filter."""
    gateway = FakeGateway(looks=[make_job(make_step("train"), id_=f"job-{n}") for n in range(5)])

    ran = run_command(gateway, ["jobs", "--limit", "3", "--state", "running"])

    assert [line.split()[0] for line in ran.out.splitlines()] == ["job", "job-0", "job-1", "job-2"]
    assert [request.url.params.get("state") for request in gateway.requests] == ["running", "running"]


def test_names_are_printed_as_they_are() -> None:
    """What looks like the terminal library's markup in a job's name is no markup."""
    job = make_job(make_step("train"), name="[red]x[/] :warning:")

    assert "[red]x[/] :warning:" in run_command(FakeGateway(looks=[job]), ["jobs"]).out
    assert "[red]x[/] :warning:" in run_command(FakeGateway(looks=[job]), ["show"]).out


def test_latest_is_the_newest_job() -> None:
    """Its id need not be known; without any job that is said."""
    gateway = FakeGateway(looks=[make_job(make_step("train", "running"), id_="job-7")])
    ran = run_command(gateway, ["show", "latest"])
    assert ran.out.startswith("job-7  digits  running  50 %")
    assert "train  running" in ran.out

    nothing = run_command(FakeGateway(), ["show"])
    assert (nothing.exit_code, "has no jobs yet" in nothing.err) == (2, True)


def test_a_job_that_does_not_exist_is_refused() -> None:
    """Exit code 2, in the gateway's words."""
    ran = run_command(FakeGateway(), ["show", "job-404"])

    assert (ran.exit_code, "There is no such thing" in ran.err) == (2, True)


def test_a_watched_job_that_fails_is_exit_code_1() -> None:
    """Its error is the last thing told; there is no report to show."""
    looks = [
        make_job(make_step("train", "running")),
        make_job(make_step("train", "failed"), state="failed", error="why"),
    ]

    ran = run_command(FakeGateway(looks=looks), ["watch", "job-1"])

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

    ran = run_command(gateway, ["watch", "job-1"])

    assert ran.exit_code == 0
    assert "job-1 goes on without you; see it again with: edgepress watch job-1" in ran.err
    assert [request.method for request in gateway.requests] == ["GET"]
