"""`edgepress devices`."""

from typing import Annotated

import typer
from rich.console import Group
from rich.table import Table
from rich.text import Text

from edgepress_client.cli import invocation
from edgepress_client.cli.formats import moment
from edgepress_client.cli.invocation import GatewayOption, JsonOption
from edgepress_common.answers.devices import DeviceView
from edgepress_common.devices import Announcement
from edgepress_common.figures.formats import percent


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


def latency_model(
    context: typer.Context,
    device: Annotated[str, typer.Argument(help="Name of the device.")],
    *,
    json_: JsonOption = False,
    gateway: GatewayOption = None,
) -> None:
    """Show how well a device's latency is predicted, from the files that it has measured.

    Example: `edgepress latency-model rpi4`
    """
    here = invocation.of(context)
    with here.gateway(gateway) as client:
        found = client.devices.latency_model(device)
    table = Table("threads", "export", "networks", "probes", "median error", "interval", box=None, pad_edge=False)
    for fit in found.fits:
        interval = "" if fit.interval is None else f"+- {percent(fit.interval, 0)}"
        error = "" if fit.median_error is None else percent(fit.median_error, 1)
        table.add_row(str(fit.threads), fit.export, str(len(fit.networks)), str(fit.probes), error, interval)
    notes = f"{found.device}: {found.processor}, {found.runtime}. The error is that of networks that a fit did not see."
    none = f"{device} has measured no files that a model can be fitted on: a search with a latency limit measures some"
    here.show(found, Group(table, Text(notes)) if found.fits else none, as_json=json_)


def _hardware(said: Announcement) -> str:
    what = said.board or said.cpu or said.machine
    return f"{what}, {said.cores} cores" + (", emulated" if said.emulated else "")
