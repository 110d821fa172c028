"""`edgepress report`."""

from pathlib import Path
from typing import Annotated, get_args

import typer

from edgepress_api.cli import invocation
from edgepress_api.cli.client import ReportFormat
from edgepress_api.cli.invocation import GatewayOption, JobArgument
from edgepress_api.cli.report_view import report_table
from edgepress_api.cli.study_tables import study_tables
from edgepress_common.errors import InvalidInputError


def report(
    context: typer.Context,
    job: JobArgument = "latest",
    format_: Annotated[
        ReportFormat | None, typer.Option("--format", help="The document itself, in this format, instead of a table.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", metavar="FILE", help="Where it goes; its ending can name the format.")
    ] = None,
    gateway: GatewayOption = None,
) -> None:
    """Show the comparison that a job ends in."""
    here = invocation.of(context)
    wanted = format_ or (None if output is None else _format_of(output))
    with here.gateway(gateway) as client:
        job_id = client.find(job)
        if wanted is None:
            found = client.report(job_id)
            for part in (report_table(found, here.out.width), *study_tables(found)):
                here.out.print(part)
            return
        document = client.report_document(job_id, wanted)
    if output is None:
        here.out.file.write(document.decode())
        return
    try:
        output.write_bytes(document)
    except OSError as error:
        raise InvalidInputError(f"can't write {output}: {error.strerror}") from error
    here.err.print(f"{output} written", soft_wrap=True)


def _format_of(output: Path) -> ReportFormat:
    for known in get_args(ReportFormat):
        if output.suffix == f".{known}":
            return known  # type: ignore[no-any-return]  # get_args forgets what it was given
    raise InvalidInputError(f"{output} does not end in .json, .csv or .html; accepted: that, or --format")
