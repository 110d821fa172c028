"""`edgepress report`."""

from pathlib import Path
from typing import Annotated

import typer

from edgepress_api.cli import invocation
from edgepress_api.cli.client import ReportFormat
from edgepress_api.cli.invocation import GatewayOption, JobArgument
from edgepress_api.cli.report_view import report_table


def report(
    context: typer.Context,
    job: JobArgument = "latest",
    format_: Annotated[
        ReportFormat | None, typer.Option("--format", help="A document in this format, instead of a table.")
    ] = None,
    output: Annotated[Path | None, typer.Option("--output", metavar="FILE", help="Where the document goes.")] = None,
    gateway: GatewayOption = None,
) -> None:
    """Show the comparison that a job ended in."""
    here = invocation.of(context)
    with here.gateway(gateway) as client:
        job_id = client.find(job)
        if format_ is None and output is None:
            here.out.print(report_table(client.report(job_id)))
            return
        document = client.report_document(job_id, format_ or _format_of(output))
    if output is None:
        here.out.file.write(document.decode())
    else:
        output.write_bytes(document)
        here.err.print(f"{output} written")
