"""`edgepress report`."""

from pathlib import Path
from typing import Annotated, get_args

import typer

from edgepress_api.cli import invocation
from edgepress_api.cli.client import ReportFormat
from edgepress_api.cli.goal_options import (
    AfreshOption,
    MaxDropOption,
    MaxLatencyOption,
    MaxSizeOption,
    MaxZipOption,
    MethodOption,
    PreferOption,
    WeightOption,
    goal_parameters,
)
from edgepress_api.cli.invocation import GatewayOption, JobArgument
from edgepress_api.cli.report_order import SortKey, sorted_report, within_limits
from edgepress_api.cli.report_view import report_table
from edgepress_api.cli.study_tables import study_tables
from edgepress_common.errors import InvalidInputError


def report(
    context: typer.Context,
    job: JobArgument = "latest",
    *,
    format_: Annotated[
        ReportFormat | None, typer.Option("--format", help="The document itself, in this format, instead of a table.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", metavar="FILE", help="Where it goes; its ending can name the format.")
    ] = None,
    sort: Annotated[SortKey, typer.Option("--sort", help="Order of the table's rows, the best first.")] = "spec",
    max_accuracy_drop: MaxDropOption = None,
    max_latency_ms: MaxLatencyOption = None,
    max_size_bytes: MaxSizeOption = None,
    max_zip_bytes: MaxZipOption = None,
    weight: WeightOption = None,
    prefer: PreferOption = None,
    method: MethodOption = None,
    afresh: AfreshOption = False,
    gateway: GatewayOption = None,
) -> None:
    """Show the comparison that a job ends in; with goals, only the files that keep them."""
    here = invocation.of(context)
    limits = {
        "max_accuracy_drop": max_accuracy_drop,
        "max_latency_ms": max_latency_ms,
        "max_size_bytes": max_size_bytes,
        "max_zip_bytes": max_zip_bytes,
    }
    goals = goal_parameters(limits, weight=weight, prefer=prefer, method=method, afresh=afresh)
    wanted = format_ or (None if output is None else _format_of(output))
    with here.gateway(gateway) as client:
        job_id = client.find(job)
        if wanted is None:
            found = client.report(job_id, goals)
            kept, notes = within_limits(found)
            for part in (
                report_table(sorted_report(kept, sort), here.out.width, is_grouped=sort == "spec"),
                *study_tables(found),
            ):
                here.out.print(part)
            for note in notes:
                here.out.print(note, style="dim")
            return
        document = client.report_document(job_id, wanted, goals)
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
