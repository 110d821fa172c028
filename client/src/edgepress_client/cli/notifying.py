"""`edgepress notify`."""

from typing import Annotated

import typer
from rich.table import Table

from edgepress_client.cli import invocation
from edgepress_client.cli.exit_codes import ExitCode
from edgepress_client.cli.invocation import GatewayOption, JsonOption, SpecArgument
from edgepress_client.cli.submitting import read_spec
from edgepress_common.answers.notifications import NotificationList

_STATES = {"due": "not sent yet", "delivered": "delivered", "failed": "failed"}


def notify(
    context: typer.Context,
    spec: SpecArgument,
    *,
    seconds: Annotated[
        float, typer.Option("--seconds", metavar="SECONDS", min=0, help="How long to wait for the deliveries.")
    ] = 60,
    json_: JsonOption = False,
    gateway: GatewayOption = None,
) -> None:
    """Send a test message to each recipient that a spec names in `notify`.

    Example: `edgepress notify job.yaml`
    """
    here = invocation.of(context)
    document = read_spec(spec)
    with here.gateway(gateway) as client:
        sent = client.notifications.test(document)
        found = NotificationList(messages=tuple(client.notifications.wait(sent, seconds)))
    table = Table("recipient", "state", "answer", box=None, pad_edge=False)
    for message in found.messages:
        table.add_row(message.to, _STATES.get(message.state, message.state), message.answer or "")
    here.show(found, table, as_json=json_)
    if any(message.state != "delivered" for message in found.messages):
        raise typer.Exit(ExitCode.UNAVAILABLE)
