"""`edgepress watch`."""

import typer

from edgepress_api.cli import invocation
from edgepress_api.cli.client import GatewayClient
from edgepress_api.cli.invocation import GatewayOption, Invocation, JobArgument
from edgepress_api.cli.problems import JOB_FAILED
from edgepress_api.cli.report_view import report_table
from edgepress_api.cli.watching import display_for, follow


def watch(context: typer.Context, job: JobArgument = "latest", gateway: GatewayOption = None) -> None:
    """Show how a job goes, and what it found. Ctrl-C leaves the job running."""
    here = invocation.of(context)
    with here.gateway(gateway) as client:
        watch_to_the_end(here, client, client.find(job))


def watch_to_the_end(here: Invocation, client: GatewayClient, job_id: str) -> None:
    """Shows a job until it has ended, then its report; or until the user has seen enough.

    Raises:
        typer.Exit: The job did not succeed.
    """
    try:
        show_to_the_end(here, client, job_id)
    except KeyboardInterrupt:
        here.err.print(f"{job_id} goes on without you; see it again with: edgepress watch {job_id}")


def show_to_the_end(here: Invocation, client: GatewayClient, job_id: str) -> None:
    """Shows a job until it has ended, then its report.

    Raises:
        typer.Exit: The job did not succeed.
    """
    with display_for(here.out) as display:
        job = follow(lambda: client.job(job_id), display)
    if job.state in {"succeeded", "partly_succeeded"}:
        here.out.print(report_table(client.report(job_id), here.out.width))
    if job.state != "succeeded":
        raise typer.Exit(JOB_FAILED)
