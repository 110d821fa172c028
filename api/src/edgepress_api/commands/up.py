"""`edgepress up`."""

from typing import Annotated

import typer

from edgepress_client.cli import invocation
from edgepress_client.cli.invocation import JsonOption


def up(
    context: typer.Context,
    *,
    port: Annotated[
        int, typer.Option("--port", metavar="PORT", min=1, max=65535, help="Port of the gateway, on 127.0.0.1.")
    ] = 8000,
    json_: JsonOption = False,
) -> None:
    """Run gateway, scheduler, worker and evaluator on this machine, until Ctrl-C.

    Everything is kept in .edgepress, or the folder that EDGEPRESS_HOME names. Data sets can be anywhere on this
    machine, unless EDGEPRESS_DATASET_ROOTS, a JSON list of folders, narrows that. With `--json` the address is printed
    as JSON when the gateway is ready.

    Example: `edgepress up --port 8080`
    """
    from edgepress_api.commands.one_machine import run  # noqa: PLC0415 - see the package

    run(invocation.of(context), port, as_json=json_)
