"""`edgepress compare`."""

from typing import Annotated, Literal

import typer

from edgepress_api.cli import invocation
from edgepress_api.cli.comparison_view import comparison_parts
from edgepress_api.cli.invocation import GatewayOption


def compare(
    context: typer.Context,
    jobs: Annotated[list[str], typer.Argument(metavar="JOB JOB...", help="Ids of jobs, or 'latest'.")],
    format_: Annotated[
        Literal["json"] | None, typer.Option("--format", help="The document itself instead of a table.")
    ] = None,
    gateway: GatewayOption = None,
) -> None:
    """Show two or more jobs side by side, by pipeline."""
    here = invocation.of(context)
    with here.gateway(gateway) as client:
        found = client.compare([client.find(job) for job in jobs])
    if format_ is not None:
        here.out.file.write(f"{found.model_dump_json(indent=2)}\n")
        return
    for part in comparison_parts(found, here.out.width):
        here.out.print(part)
