"""`edgepress datasets` and `edgepress models`: the uploads of the user.

This module is imported with every `edgepress --help`: it imports types only for annotations.
"""

from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.table import Table

from edgepress_client.cli import invocation
from edgepress_client.cli.command_group import PlainCommand, PlainGroup
from edgepress_client.cli.formats import moment, size
from edgepress_client.cli.invocation import GatewayOption, JsonOption, YesOption

if TYPE_CHECKING:
    from edgepress_client.client import Client
    from edgepress_client.uploads import Datasets, Models
    from edgepress_common.answers.uploads import DatasetView, ModelView

Kind = Literal["datasets", "models"]
Sha256Argument = Annotated[str, typer.Argument(metavar="SHA256", help="SHA-256 of the upload, as listed.")]


def _commands(kind: Kind, words: str) -> typer.Typer:
    app = typer.Typer(
        help=f"List and delete uploaded {words}.",
        cls=PlainGroup,
        no_args_is_help=True,
        context_settings={"help_option_names": ["-h", "--help"]},
    )

    @app.command(
        "list", cls=PlainCommand, help=f"List uploaded {words}, the newest first.\n\nExample: `edgepress {kind} list`"
    )
    def list_uploads(context: typer.Context, *, json_: JsonOption = False, gateway: GatewayOption = None) -> None:
        here = invocation.of(context)
        with here.gateway(gateway) as client:
            found: list[DatasetView | ModelView] = [*_uploads(client, kind).list()]
        if json_:
            here.print_json(found)
            return
        table = Table("sha256", "name", "size", "uploaded", box=None, pad_edge=False)
        for view in found:
            table.add_row(view.sha256, view.name, size(view.size_bytes), moment(view.created_at))
        here.out.print(table if found else f"no {words} yet: upload one with 'edgepress upload PATH'", soft_wrap=True)

    @app.command(
        "delete",
        cls=PlainCommand,
        help=f"Delete one of the uploaded {words}, unless an active job uses it.\n\n"
        f"Example: `edgepress {kind} delete $SHA256`",
    )
    def delete_upload(
        context: typer.Context,
        sha256: Sha256Argument,
        *,
        yes: YesOption = False,
        json_: JsonOption = False,
        gateway: GatewayOption = None,
    ) -> None:
        here = invocation.of(context)
        with here.gateway(gateway) as client:
            found = _uploads(client, kind).get(sha256)
            if not yes:
                here.confirm_deletion(sha256, f"({found.name})")
            _uploads(client, kind).delete(sha256)
        if json_:
            here.print_json({"sha256": sha256, "deleted": True})
            return
        here.say(f"{sha256} ({found.name}) deleted")

    return app


def _uploads(client: "Client", kind: Kind) -> "Datasets | Models":
    return client.datasets if kind == "datasets" else client.models


datasets = _commands("datasets", "data sets")
models = _commands("models", "models")
