"""`edgepress tokens`: API tokens of a gateway. It needs access to the database, so it is for operators.

A deployment creates its first tokens with `create --once FILE`, in a container that runs at every start: the file is
written at the first start, and again only when the token in it is no longer valid.
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from edgepress_client.cli import invocation
from edgepress_client.cli.command_group import PlainCommand, PlainGroup
from edgepress_client.cli.formats import moment
from edgepress_client.cli.invocation import JsonOption
from edgepress_common.answers.users import SCOPES

if TYPE_CHECKING:
    from edgepress_common.answers.tokens import TokenView

tokens = typer.Typer(
    help="Create, list and revoke the API tokens of a gateway, in the database that EDGEPRESS_DATABASE_URL names.",
    cls=PlainGroup,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@tokens.command("create", cls=PlainCommand)
def create(
    context: typer.Context,
    *,
    user: Annotated[str, typer.Option("--user", metavar="NAME", help="User that the token authenticates.")],
    scope: Annotated[
        list[str] | None, typer.Option("--scope", metavar="SCOPE", help=f"Scope: {', '.join(SCOPES)}. Can be repeated.")
    ] = None,
    device: Annotated[
        str | None, typer.Option("--device", metavar="NAME", help="Device of the evaluator that uses the token.")
    ] = None,
    days: Annotated[
        int | None,
        typer.Option("--days", metavar="N", min=1, max=36_500, help="Days until it expires (default: never)."),
    ] = None,
    max_jobs: Annotated[
        int | None, typer.Option("--max-jobs", metavar="N", min=0, help="Limit of the user's active jobs.")
    ] = None,
    max_bytes: Annotated[
        int | None, typer.Option("--max-bytes", metavar="BYTES", min=0, help="Limit of the user's stored bytes.")
    ] = None,
    once: Annotated[
        Path | None,
        typer.Option("--once", metavar="FILE", help="Write the token to FILE, unless FILE has a valid one."),
    ] = None,
    json_: JsonOption = False,
) -> None:
    """Create a token, and print it. It is shown only now: the database keeps a digest.

    Without --scope it has the scopes submit and read, or with --device only device.

    Example: `edgepress tokens create --user anna --days 90`
    """
    from edgepress_api.commands import token_database  # noqa: PLC0415 - see the package

    here = invocation.of(context)
    scopes = token_database.scopes_of(scope, device)
    with token_database.opened() as (database, name):
        here.note(f"database: {name}")
        if once is not None and token_database.has_valid_token(database, once):
            if json_:
                here.print_json({"file": str(once), "created": False, "database": name})
            here.note(f"{once} has a valid token: kept")
            return
        made = token_database.create(
            database, once, user=user, scopes=scopes, device=device, days=days, max_jobs=max_jobs, max_bytes=max_bytes
        )
    about = {"id": made.id, "user": user, "scopes": sorted(scopes), "device": device, "database": name}
    if json_:
        here.print_json(about | ({"token": made.text} if once is None else {"file": str(once), "created": True}))
        return
    said = f"token {made.id} of {user}: {', '.join(sorted(scopes))}" + (f", for device {device}" if device else "")
    here.note(said + (f", written to {once}" if once else "; keep it, it is not shown again"))
    if once is None:
        here.say(made.text)


@tokens.command("list", cls=PlainCommand)
def list_all(context: typer.Context, *, json_: JsonOption = False) -> None:
    """List all tokens, the newest first, without their secrets.

    Example: `edgepress tokens list`
    """
    from edgepress_api.commands import token_database  # noqa: PLC0415 - see the package

    here = invocation.of(context)
    with token_database.opened() as (database, name):
        found = token_database.all_of(database)
    if json_:
        here.print_json({"database": name, "tokens": found})
        return
    here.note(f"database: {name}")
    table = Table("id", "user", "scopes", "device", "created", "valid", box=None, pad_edge=False)
    for token in found:
        scopes = ", ".join(token.scopes)
        table.add_row(token.id, token.user, scopes, token.device or "", moment(token.created_at), _validity(token))
    here.out.print(table if found else "no tokens yet: create one with 'edgepress tokens create'")


@tokens.command("revoke", cls=PlainCommand)
def revoke(
    context: typer.Context,
    token_id: Annotated[
        str, typer.Argument(metavar="ID", help="Id of the token, as 'edgepress tokens list' shows it.")
    ],
    *,
    json_: JsonOption = False,
) -> None:
    """Revoke a token: it is not valid from the next request on.

    Example: `edgepress tokens revoke 3f2a9c41d07e`
    """
    from edgepress_api.commands import token_database  # noqa: PLC0415 - see the package

    here = invocation.of(context)
    with token_database.opened() as (database, name):
        revoked = token_database.revoke(database, token_id)
    if json_:
        here.print_json({"id": revoked.id, "user": revoked.user, "revoked": True, "database": name})
        return
    here.note(f"database: {name}")
    here.say(f"revoked token {revoked.id} of {revoked.user}")


def _validity(token: "TokenView") -> str:
    if token.revoked_at is not None:
        return f"no: revoked {moment(token.revoked_at)}"
    if token.expires_at is not None:
        return f"{'until' if token.is_live(datetime.now(UTC)) else 'no: expired'} {moment(token.expires_at)}"
    return "yes"
