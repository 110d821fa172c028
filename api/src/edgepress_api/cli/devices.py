"""`edgepress devices`."""

import typer
from rich.table import Table

from edgepress_api.cli import invocation
from edgepress_api.cli.formats import moment
from edgepress_api.cli.invocation import GatewayOption
from edgepress_common.devices import Announcement


def devices(context: typer.Context, gateway: GatewayOption = None) -> None:
    """List the devices that measure, and the labels that jobs can ask for."""
    here = invocation.of(context)
    table = Table("device", "online", "labels", "what it is", "running", "waiting", box=None, pad_edge=False)
    with here.gateway(gateway) as client:
        listed = client.devices().devices
    for device in listed:
        table.add_row(
            device.name,
            "yes" if device.online else f"no, since {moment(device.last_seen_at)}",
            ", ".join(device.announcement.labels),
            _about(device.announcement),
            str(device.running),
            str(device.waiting),
        )
    here.out.print(table if listed else "no devices yet: start an evaluator, or 'edgepress up'")


def _about(said: Announcement) -> str:
    what = said.board or said.cpu or said.machine
    return f"{what}, {said.cores} cores" + (", emulated" if said.emulated else "")
