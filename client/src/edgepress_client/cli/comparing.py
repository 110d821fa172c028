"""`edgepress compare`."""

from typing import Annotated

import typer

from edgepress_client.cli import invocation
from edgepress_client.cli.comparison_view import comparison_parts
from edgepress_client.cli.invocation import GatewayOption, JsonOption


def compare(
    context: typer.Context,
    jobs: Annotated[list[str], typer.Argument(metavar="JOB JOB...", help="Ids of two to ten jobs, or 'latest'.")],
    *,
    json_: JsonOption = False,
    gateway: GatewayOption = None,
) -> None:
    """Show two or more jobs side by side, by pipeline. The first is the reference.

    Example: `edgepress compare job-0b54a33eb9bf1c1b latest`
    """
    here = invocation.of(context)
    with here.gateway(gateway) as client:
        found = client.jobs.compare([client.jobs.get(job).id for job in jobs])
    here.show(found, *comparison_parts(found, here.out.width), as_json=json_)
