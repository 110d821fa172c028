"""`edgepress compare`, `comparisons` and `unpin`."""

from typing import Annotated

import typer
from rich.table import Table

from edgepress_client.cli import invocation
from edgepress_client.cli.comparison_view import comparison_parts
from edgepress_client.cli.formats import moment
from edgepress_client.cli.invocation import GatewayOption, JsonOption


def compare(
    context: typer.Context,
    jobs: Annotated[list[str], typer.Argument(metavar="JOB JOB...", help="Ids of two to ten jobs, or 'latest'.")],
    *,
    pin: Annotated[
        str | None, typer.Option("--pin", metavar="NAME", help="Keep the comparison under this name.")
    ] = None,
    json_: JsonOption = False,
    gateway: GatewayOption = None,
) -> None:
    """Show two or more jobs side by side, by pipeline. The first is the reference.

    Example: `edgepress compare job-0b54a33eb9bf1c1b latest`
    """
    here = invocation.of(context)
    with here.gateway(gateway) as client:
        ids = [client.jobs.get(job).id for job in jobs]
        found = client.jobs.compare(ids)
        if pin is not None:
            pinned = client.comparisons.pin(pin, ids)
            here.note(f"pinned as {pinned.id}: {client.url}/comparisons/{pinned.id}")
    here.show(found, *comparison_parts(found, here.out.width), as_json=json_)


def comparisons(context: typer.Context, json_: JsonOption = False, gateway: GatewayOption = None) -> None:  # noqa: FBT002  an option's default
    """List the pinned comparisons, the newest first.

    Example: `edgepress comparisons`
    """
    here = invocation.of(context)
    with here.gateway(gateway) as client:
        found = client.comparisons.list()
    table = Table("comparison", "name", "jobs", "pinned", box=None, pad_edge=False)
    for each in found:
        jobs = "\n".join(f"{job.id} {job.name}" for job in each.jobs)
        table.add_row(each.id, each.name, jobs or "all deleted", moment(each.created_at))
    none = "no pinned comparisons; pin one with: edgepress compare JOB JOB --pin NAME"
    here.show({"comparisons": found}, table if found else none, as_json=json_)


def unpin(
    context: typer.Context,
    comparison: Annotated[str, typer.Argument(metavar="COMPARISON", help="Id of the pinned comparison.")],
    *,
    json_: JsonOption = False,
    gateway: GatewayOption = None,
) -> None:
    """Delete a pinned comparison. Its jobs stay.

    Example: `edgepress unpin cmp-0b54a33eb9bf1c1b`
    """
    here = invocation.of(context)
    with here.gateway(gateway) as client:
        client.comparisons.unpin(comparison)
    here.show({"id": comparison, "deleted": True}, f"{comparison} is no longer pinned; its jobs stay", as_json=json_)
