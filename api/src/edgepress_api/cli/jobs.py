"""`edgepress jobs`, `show`, `cancel` and `retry`."""

from typing import Annotated

import typer
from rich.table import Table

from edgepress_api.cli import invocation
from edgepress_api.cli.formats import moment, took, words
from edgepress_api.cli.invocation import GatewayOption, JobArgument
from edgepress_api.cli.job_view import job_tree
from edgepress_api.database.tables import JobState


def jobs(
    context: typer.Context,
    state: Annotated[JobState | None, typer.Option("--state", help="Only jobs in this state.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="How many at the most, the newest first.")] = 20,
    gateway: GatewayOption = None,
) -> None:
    """List jobs, the newest first."""
    here = invocation.of(context)
    table = Table("job", "name", "state", "posted", "took", box=None, pad_edge=False)
    with here.gateway(gateway) as client:
        for job in client.jobs(limit, state=state):
            table.add_row(
                job.id, job.name, words(job.state), moment(job.created_at), took(job.created_at, job.finished_at)
            )
    here.out.print(table if table.row_count else "no jobs")


def show(context: typer.Context, job: JobArgument = "latest", gateway: GatewayOption = None) -> None:
    """Show a job with its pipelines and steps."""
    here = invocation.of(context)
    with here.gateway(gateway) as client:
        here.out.print(job_tree(client.job(client.find(job))))


def cancel(context: typer.Context, job: JobArgument, gateway: GatewayOption = None) -> None:
    """Stop a job. What it has finished is kept."""
    here = invocation.of(context)
    with here.gateway(gateway) as client:
        job_id = client.find(job)
        client.cancel(job_id)
    here.out.print(f"{job_id} cancelled; take it up again with: edgepress retry {job_id}")


def retry(context: typer.Context, job: JobArgument, gateway: GatewayOption = None) -> None:
    """Take up again what failed or was cancelled. What succeeded is not done again."""
    here = invocation.of(context)
    with here.gateway(gateway) as client:
        job_id = client.find(job)
        client.retry(job_id)
    here.out.print(f"{job_id} runs again; see it with: edgepress watch {job_id}")
