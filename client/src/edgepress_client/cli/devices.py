"""`edgepress devices`."""

import typer
from rich.table import Table

from edgepress_client.cli import invocation
from edgepress_client.cli.formats import moment
from edgepress_client.cli.invocation import GatewayOption, JsonOption
from edgepress_common.answers.devices import DeviceView
from edgepress_common.devices import Announcement


def devices(context: typer.Context, json_: JsonOption = False, gateway: GatewayOption = None) -> None:  # noqa: FBT002  an option's default
    """List the devices that measure, and the labels that jobs can ask for.

    Example: `edgepress devices`
    """
    here = invocation.of(context)
    with here.gateway(gateway) as client:
        found = client.devices.list()
    table = Table("device", "online", "labels", "hardware", "running", "waiting", box=None, pad_edge=False)
    for device in found.devices:
        table.add_row(
            device.name,
            _state(device),
            ", ".join(device.announcement.labels),
            _hardware(device.announcement),
            str(device.running),
            str(device.waiting),
        )
    none = "no devices yet: start an evaluator, or run 'edgepress up'"
    here.show(found, table if found.devices else none, as_json=json_)


def _state(device: DeviceView) -> str:
    if not device.online:
        return f"no, since {moment(device.last_seen_at)}"
    problem = device.announcement.problem
    return "yes" if problem is None else f"yes, but can't measure: {problem}"


def _hardware(said: Announcement) -> str:
    what = said.board or said.cpu or said.machine
    return f"{what}, {said.cores} cores" + (", emulated" if said.emulated else "")
