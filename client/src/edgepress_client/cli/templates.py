"""`edgepress templates`."""

from typing import Annotated

import typer
from rich.table import Table

from edgepress_client.cli import invocation
from edgepress_client.cli.invocation import GatewayOption, JsonOption
from edgepress_common.errors import NotFoundError
from edgepress_common.text import harmless


def templates(
    context: typer.Context,
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="Template whose spec is printed (default: list them).")
    ] = None,
    *,
    json_: JsonOption = False,
    gateway: GatewayOption = None,
) -> None:
    """List the templates of jobs, or print the spec of one to start from.

    Example: `edgepress templates first-look > job.yaml`
    """
    here = invocation.of(context)
    with here.gateway(gateway) as client:
        found = client.catalogue.templates()
    if name is None:
        table = Table("template", "for", "what its job does", box=None, pad_edge=False)
        for each in found:
            table.add_row(each.name, each.title, each.summary)
        here.show({"templates": found}, table, as_json=json_)
        return
    chosen = next((each for each in found if each.name == name), None)
    if chosen is None:
        known = ", ".join(each.name for each in found)
        raise NotFoundError(f"the gateway has no template {name!r}; accepted: {known}")
    if json_:
        here.print_json(chosen)
    else:
        here.out.file.write(harmless(chosen.text))
