"""`edgepress tokens`: who may use a gateway. Works on its database, so it is for whoever runs the server.

A deployment makes its first tokens with `create --once FILE`, in a container that runs at every start: the file is
written at the first one, and again only when what it holds is worth nothing any more.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, cast

import typer
from rich.table import Table
from sqlalchemy.exc import OperationalError

from edgepress_api.access.credentials import Credential
from edgepress_api.access.principal import SCOPES, Scope
from edgepress_api.access.tokens import create_token, list_tokens, recognize, revoke_token
from edgepress_api.cli import invocation
from edgepress_api.cli.formats import moment
from edgepress_api.database import Database
from edgepress_api.settings import ApiSettings
from edgepress_common.errors import FieldProblem, InvalidInputError, InvalidSpecError, UnavailableError

_READ_BY_ALL = 0o444  # by all who have the folder: containers run as users of their own
_OWNERS = 0o600

tokens = typer.Typer(
    help="Make, list and revoke the tokens that a gateway asks for; works on the database that "
    "EDGEPRESS_DATABASE_URL names.",
    no_args_is_help=True,
)


@tokens.command("create")
def create(  # noqa: PLR0917 - a command's options
    context: typer.Context,
    user: Annotated[str, typer.Option("--user", metavar="NAME", help="Whom it stands for: the owner of its jobs.")],
    scope: Annotated[
        list[str] | None, typer.Option("--scope", metavar="SCOPE", help=f"Can be repeated: {', '.join(SCOPES)}.")
    ] = None,
    device: Annotated[
        str | None, typer.Option("--device", metavar="NAME", help="For an evaluator: the device it speaks for.")
    ] = None,
    days: Annotated[int | None, typer.Option("--days", min=1, max=36_500, help="How long it lasts.")] = None,
    max_jobs: Annotated[
        int | None, typer.Option("--max-jobs", min=0, help="Jobs that the user may have under way.")
    ] = None,
    max_bytes: Annotated[
        int | None, typer.Option("--max-bytes", min=0, help="Bytes that the user may have stored.")
    ] = None,
    once: Annotated[
        Path | None,
        typer.Option("--once", metavar="FILE", help="Write it into this file, unless that holds one that is alive."),
    ] = None,
) -> None:
    """Make a token. It is shown this once, on standard output; the database keeps a digest.

    Without --scope it allows submit and read, or with --device only what an evaluator does.
    """
    here = invocation.of(context)
    scopes = _scopes(scope, device)
    now = datetime.now(UTC)
    with _database() as database:
        if once is not None and _is_alive(database, once, now):
            here.err.print(f"{once} holds a token that is alive: kept")
            return
        with database.write() as session:
            expires_at = None if days is None else now + timedelta(days=days)
            made = create_token(
                session, now, user=user, scopes=scopes, device=device, expires_at=expires_at, max_jobs=max_jobs,
                max_bytes=max_bytes,
            )  # fmt: skip
            if once is not None:
                _write(once, made)  # before the commit: a token that was not written down is not kept
    about = f"token {made.id} of {user}: {', '.join(sorted(scopes))}" + (f", as {device}" if device else "")
    here.err.print(about + (f", written to {once}" if once else "; keep it, it is not shown again"), soft_wrap=True)
    if once is None:
        here.out.print(made.text, soft_wrap=True)


@tokens.command("list")
def list_all(context: typer.Context) -> None:
    """List all tokens there have been, the newest first."""
    here = invocation.of(context)
    table = Table("id", "user", "allows", "device", "made", "worth something", box=None, pad_edge=False)
    with _database() as database, database.read() as session:
        found = list_tokens(session)
    now = datetime.now(UTC)
    for token in found:
        if token.revoked_at is not None:
            worth = f"no: revoked {moment(token.revoked_at)}"
        elif token.expires_at is not None:
            worth = f"{'until' if token.is_live(now) else 'no: expired'} {moment(token.expires_at)}"
        else:
            worth = "yes"
        table.add_row(
            token.id, token.user, ", ".join(token.scopes), token.device or "", moment(token.created_at), worth
        )
    here.out.print(table if found else "no tokens yet: make one with 'edgepress tokens create'")


@tokens.command("revoke")
def revoke(
    context: typer.Context, token_id: Annotated[str, typer.Argument(metavar="ID", help="As the list shows it.")]
) -> None:
    """Make a token worthless, from the next request on."""
    with _database() as database, database.write() as session:
        revoked = revoke_token(session, token_id, datetime.now(UTC))
    invocation.of(context).out.print(f"revoked token {revoked.id} of {revoked.user}")


@contextmanager
def _database() -> Iterator[Database]:
    # Here, for the sake of the commands that need no database.
    from edgepress_api.database.migrate import migrate  # noqa: PLC0415

    database = Database(ApiSettings().database_url)
    try:
        migrate(database)
        yield database
    except OperationalError as error:
        raise UnavailableError(
            f"the database that EDGEPRESS_DATABASE_URL names does not answer: {error.orig}"
        ) from error
    finally:
        database.close()


def _scopes(asked: list[str] | None, device: str | None) -> set[Scope]:
    scopes = set(asked or (["submit", "read"] if device is None else ["device"]))
    unknown = sorted(scopes - set(SCOPES))
    if unknown:
        accepted = ", ".join(SCOPES)
        raise InvalidSpecError(
            [FieldProblem(field="scope", value=name, message="there is no such scope", accepted=accepted)
             for name in unknown]
        )  # fmt: skip
    return cast("set[Scope]", scopes)


def _is_alive(database: Database, file: Path, now: datetime) -> bool:
    try:
        text = file.read_text().strip()
    except FileNotFoundError:
        return False
    except (OSError, ValueError) as error:
        raise InvalidInputError(f"can't read {file}: {error}; accepted: a file for a token, or none yet") from error
    with database.read() as session:
        return recognize(session, text, now) is not None


def _write(file: Path, token: Credential) -> None:
    """Whole or not at all."""
    incoming = file.with_name(f".{file.name}.incoming")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        incoming.unlink(missing_ok=True)
        incoming.touch(mode=_OWNERS)
        incoming.write_text(token.text)
        incoming.chmod(_READ_BY_ALL)
        incoming.replace(file)
    except OSError as error:
        raise InvalidInputError(f"can't write {file}: {error.strerror}; accepted: a file that can be made") from error
