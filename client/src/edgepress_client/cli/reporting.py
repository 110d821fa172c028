"""`edgepress report`."""

from pathlib import Path
from typing import Annotated, get_args

import typer
from rich.console import RenderableType

from edgepress_client.cli import invocation
from edgepress_client.cli.exit_codes import NoResultError
from edgepress_client.cli.goal_options import (
    IgnoreSpecGoalsOption,
    LimitOption,
    MaxDropOption,
    MaxLatencyOption,
    MaxSizeOption,
    MaxZipOption,
    MethodOption,
    PreferOption,
    WeightOption,
    goal_parameters,
)
from edgepress_client.cli.invocation import ForceOption, GatewayOption, Invocation, JobArgument, JsonOption
from edgepress_client.cli.printing import print_pdf
from edgepress_client.cli.report_order import SortKey, sorted_report, within_limits
from edgepress_client.cli.report_view import report_table
from edgepress_client.cli.study_tables import study_tables
from edgepress_client.files import check_absent, whole_file
from edgepress_client.job import ReportFormat
from edgepress_common.answers.report import Report
from edgepress_common.errors import InvalidInputError
from edgepress_common.text import harmless


def report(
    context: typer.Context,
    job: JobArgument = "latest",
    *,
    format_: Annotated[
        ReportFormat | None, typer.Option("--format", help="Print the report as a document, instead of a table.")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", metavar="FILE", help="Write the report to FILE: .json, .csv, .html or .pdf."),
    ] = None,
    sort: Annotated[SortKey, typer.Option("--sort", help="Order of the rows, the best first.")] = "spec",
    force: ForceOption = False,
    max_accuracy_drop: MaxDropOption = None,
    max_latency_ms: MaxLatencyOption = None,
    max_size_bytes: MaxSizeOption = None,
    max_zip_bytes: MaxZipOption = None,
    limit: LimitOption = None,
    weight: WeightOption = None,
    prefer: PreferOption = None,
    method: MethodOption = None,
    ignore_spec_goals: IgnoreSpecGoalsOption = False,
    json_: JsonOption = False,
    gateway: GatewayOption = None,
) -> None:
    """Show the report of a job; with goals, only the files that meet them.

    Exit code 9: nothing has been measured yet, or no file is within the limits.

    Example: `edgepress report latest --sort latency --output report.html`
    """
    here = invocation.of(context)
    limits = {
        "max_accuracy_drop": max_accuracy_drop,
        "max_latency_ms": max_latency_ms,
        "max_size_bytes": max_size_bytes,
        "max_zip_bytes": max_zip_bytes,
    }
    goals = goal_parameters(
        limits, limit=limit, weight=weight, prefer=prefer, method=method, ignore_spec_goals=ignore_spec_goals
    )
    is_pdf = output is not None and output.suffix == ".pdf"
    wanted = "html" if is_pdf else "json" if json_ else format_ or (None if output is None else _format_of(output))
    if output is not None:
        check_absent(output, overwrite=force)
    with here.job(job, gateway) as found:
        if wanted is None or (json_ and output is None):
            _show(here, found.report(goals), sort)
            return
        document = found.report_document(wanted, goals)
    if output is None:
        here.out.file.write(harmless(document.decode().replace("\r\n", "\n")))
        return
    if is_pdf:
        print_pdf(document, output)
    else:
        with whole_file(output) as file:
            file.write(document)
    if json_:
        here.print_json({"file": str(output), "size_bytes": output.stat().st_size})
    here.note(f"{output} written")


def _show(here: Invocation, found: Report, sort: SortKey) -> None:
    """Print the report; raise `NoResultError` if it has no rows to show."""
    kept, notes = within_limits(found)
    if here.as_json:
        here.print_json(found)
    elif found.rows or found.failures:
        for part in _parts(found, sorted_report(kept, sort), here.out.width, is_grouped=sort == "spec"):
            here.out.print(part)
        for note in notes:
            here.out.print(note, style="dim")
    if not found.rows:
        raise NoResultError(f"{found.job.id} has no measurements yet; its state is {found.job.state}")
    if not kept.rows:
        raise NoResultError(f"no file of {found.job.id} is within the limits")


def _parts(found: Report, shown: Report, width: int, *, is_grouped: bool) -> list[RenderableType]:
    return [report_table(shown, width, is_grouped=is_grouped), *study_tables(found)]


def _format_of(output: Path) -> ReportFormat:
    for known in get_args(ReportFormat):
        if output.suffix == f".{known}":
            return known  # type: ignore[no-any-return]  # get_args forgets what it was given
    raise InvalidInputError(f"{output} does not end in .json, .csv, .html or .pdf; accepted: one of these, or --format")
