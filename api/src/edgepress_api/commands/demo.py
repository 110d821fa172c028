"""`edgepress demo`."""

import typer

from edgepress_client.cli import invocation
from edgepress_client.cli.invocation import JsonOption


def demo(context: typer.Context, *, json_: JsonOption = False) -> None:
    """Train a network, compress it four ways, measure the files on this machine, and compare. Takes a few minutes.

    With `--json` the report is printed as JSON at the end.

    Example: `edgepress demo`
    """
    from edgepress_api.commands.demonstration import demonstrate  # noqa: PLC0415 - see the package

    demonstrate(invocation.of(context), as_json=json_)
