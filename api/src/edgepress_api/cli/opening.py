"""`edgepress open`."""

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from edgepress_api.cli import invocation
from edgepress_api.cli.invocation import GatewayOption, JobArgument


def open_(
    context: typer.Context,
    job: JobArgument = "latest",
    *,
    report: Annotated[
        bool, typer.Option("--report", help="The report as a file of its own, rather than at the gateway.")
    ] = False,
    gateway: GatewayOption = None,
) -> None:
    """Open a job's report in the browser.

    Where the gateway asks for a token, which a browser has none of, the report is fetched and opened as a file.
    """
    here = invocation.of(context)
    with here.gateway(gateway) as client:
        job_id = client.find(job)
        if report or client.has_token:
            folder = Path(tempfile.mkdtemp(prefix="edgepress-"))
            file = folder / f"{job_id}.html"
            file.write_bytes(client.report_document(job_id, "html"))
            address = file.as_uri()
        else:
            client.job(job_id)  # that there is none is better said here than by a page
            address = f"{client.url}/v1/jobs/{job_id}/report?format=html"
    here.out.print(address, soft_wrap=True)
    if not here.browse(address):
        here.err.print("there is no browser to open it with here; the address above opens it elsewhere")
