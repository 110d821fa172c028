"""`edgepress watch`."""

import typer

from edgepress_client.cli import invocation
from edgepress_client.cli.exit_codes import ExitCode
from edgepress_client.cli.invocation import GatewayOption, Invocation, JobArgument, JsonOption
from edgepress_client.cli.report_view import report_table
from edgepress_client.cli.watching import display_for, show
from edgepress_client.job import Job


def watch(
    context: typer.Context,
    job: JobArgument = "latest",
    *,
    json_: JsonOption = False,  # noqa: ARG001 - see `Invocation.as_json`
    gateway: GatewayOption = None,
) -> None:
    """Follow a job until it ends, and show its report. Ctrl-C leaves the job running.

    With `--json` the job is printed as JSON when it has ended.

    Example: `edgepress watch latest`
    """
    here = invocation.of(context)
    with here.job(job, gateway) as found:
        watch_to_the_end(here, found)


def watch_to_the_end(here: Invocation, job: Job) -> None:
    """Show a job until it has ended, then its report; or until the user presses Ctrl-C.

    Raises:
        typer.Exit: The job did not succeed.
    """
    try:
        show_to_the_end(here, job)
    except KeyboardInterrupt:
        here.note(f"{job.id} is still running; follow it again with: edgepress watch {job.id}")


def show_to_the_end(here: Invocation, job: Job) -> None:
    """Show a job until it has ended, then its report.

    Raises:
        typer.Exit: The job did not succeed.
    """
    if here.as_json:
        ended = job.wait()
        here.print_json(ended)
    else:
        with display_for(here.out) as display:
            ended = show(job.watch(display.show_absence), display)
        if ended.state in {"succeeded", "partly_succeeded"}:
            here.out.print(report_table(job.report(), here.out.width))
    if ended.state != "succeeded":
        raise typer.Exit(ExitCode.JOB_FAILED)
