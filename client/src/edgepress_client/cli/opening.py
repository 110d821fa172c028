"""`edgepress open`."""

import tempfile
from html import escape
from pathlib import Path
from typing import Annotated

import typer

from edgepress_client.cli import invocation
from edgepress_client.cli.invocation import GatewayOption, JobArgument, JsonOption
from edgepress_common.local_token import local_token


def open_(
    context: typer.Context,
    job: JobArgument = "latest",
    *,
    report: Annotated[
        bool, typer.Option("--report", help="Open the report as a file, instead of at the gateway.")
    ] = False,
    dashboard: Annotated[
        bool, typer.Option("--dashboard", help="Open the dashboard of a gateway that 'edgepress up' runs, signed in.")
    ] = False,
    json_: JsonOption = False,
    gateway: GatewayOption = None,
) -> None:
    """Open the report of a job in the browser, and print its address.

    If the gateway requires a token, which a browser does not have, the report is downloaded and opened as a file.

    Example: `edgepress open latest`
    """
    here = invocation.of(context)
    with here.gateway(gateway) as client:
        if dashboard:
            address = _dashboard(client.url)
        elif (found := client.jobs.get(job)) and (report or client.has_token):
            file = Path(tempfile.mkdtemp(prefix="edgepress-")) / f"{found.id}.html"
            file.write_bytes(found.report_document("html"))
            address = file.as_uri()
        else:
            found.view()  # raises an error if the job does not exist, instead of opening an error page
            address = f"{client.url}/v1/jobs/{found.id}/report?format=html"
    here.show({"address": address}, address, as_json=json_)
    if not here.browse(address):
        here.note("there is no browser here; open the address elsewhere")


def _dashboard(url: str) -> str:
    """Return the address of the dashboard, or that of a file that redirects to it with the token.

    Only its user can read the file. All users of a machine can read the arguments of a browser's process.
    """
    token = local_token(url)
    if token is None:
        return f"{url}/"
    file = Path(tempfile.mkdtemp(prefix="edgepress-")) / "dashboard.html"
    target = escape(f"{url}/#token={token}")
    file.write_text(f'<!doctype html><meta http-equiv="refresh" content="0; url={target}"><title>Edgepress</title>')
    return file.as_uri()
