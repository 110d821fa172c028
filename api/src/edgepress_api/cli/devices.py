"""`edgepress devices`."""

import typer
from rich.table import Table

from edgepress_api.cli import invocation
from edgepress_api.cli.invocation import GatewayOption


def devices(context: typer.Context, gateway: GatewayOption = None) -> None:
    """List the devices that measure, and what jobs may call them."""
    here = invocation.of(context)
    table = Table("device", "labels", "online", "board", "cores", "runtime", "last seen", box=None, pad_edge=False)
    with here.gateway(gateway) as client:
        for device in client.devices():
            table.add_row()
    here.out.print(table if table.row_count else "no devices yet: start an evaluator")
