"""Creates, lists, revokes and recognizes tokens."""

from collections.abc import Collection
from datetime import datetime

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from edgepress_api.access.credentials import Credential, new_credential, read_credential
from edgepress_api.access.principal import Principal
from edgepress_api.database import TokenRow
from edgepress_common.answers.tokens import TokenView
from edgepress_common.answers.users import Scope, UserName
from edgepress_common.devices import DeviceName
from edgepress_common.errors import ConflictError, FieldProblem, InvalidSpecError, NotFoundError

_USER: TypeAdapter[UserName] = TypeAdapter(UserName)
_DEVICE: TypeAdapter[DeviceName] = TypeAdapter(DeviceName)


def create_token(
    session: Session,
    now: datetime,
    *,
    user: str,
    scopes: Collection[Scope],
    device: str | None = None,
    expires_at: datetime | None = None,
    max_jobs: int | None = None,
    max_bytes: int | None = None,
) -> Credential:
    """Create a token. Only this answer contains its secret.

    Args:
        session: To write with.
        now: The current time.
        user: The user that it authenticates.
        scopes: What it allows, one at least.
        device: Which device it speaks for: named with the scope ``device``, and only then.
        expires_at: When it ends; None for never.
        max_jobs: See `TokenView`.
        max_bytes: See `TokenView`.

    Raises:
        InvalidSpecError: With each argument that can't be.
    """
    _check(user, scopes, device)
    credential = new_credential()
    row = TokenRow(
        id=credential.id,
        user=user,
        scopes=tuple(sorted(set(scopes))),
        device=device,
        max_jobs=max_jobs,
        max_bytes=max_bytes,
        digest=credential.digest,
        created_at=now,
        expires_at=expires_at,
    )
    session.add(row)
    session.flush()
    return credential


def list_tokens(session: Session) -> list[TokenView]:
    """Return all tokens, also revoked and expired ones, the newest first."""
    return [_view(row) for row in session.scalars(select(TokenRow).order_by(TokenRow.created_at.desc(), TokenRow.id))]


def revoke_token(session: Session, token_id: str, now: datetime) -> TokenView:
    """Revoke a token, effective with the next request.

    Raises:
        NotFoundError: No such token.
        ConflictError: It was revoked before.
    """
    row = session.get(TokenRow, token_id)
    if row is None:
        raise NotFoundError(f"token {token_id!r} does not exist; accepted: an id that 'edgepress tokens list' shows")
    if row.revoked_at is not None:
        raise ConflictError(f"token {token_id} was revoked at {row.revoked_at:%Y-%m-%d %H:%M} UTC")
    row.revoked_at = now
    return _view(row)


def recognize(session: Session, text: str, now: datetime) -> Principal | None:
    """Return the principal that a token authenticates; None if it is unknown, revoked or expired."""
    credential = read_credential(text)
    if credential is None:
        return None
    row = session.get(TokenRow, credential.id)
    # Compared also where there is nothing to compare with: how long it takes says nothing of which ids there are.
    matches = credential.matches(None if row is None else row.digest)
    if row is None or not matches or not _view(row).is_live(now):
        return None
    return Principal(
        user=row.user,
        scopes=frozenset(row.scopes),
        device=row.device,
        max_jobs=row.max_jobs,
        max_bytes=row.max_bytes,
    )


def _check(user: str, scopes: Collection[Scope], device: str | None) -> None:
    problems = []
    if not _fits(_USER, user):
        accepted = "up to 63 lower-case letters, digits and . _ @ -, beginning with a letter or digit"
        problems.append(FieldProblem(field="user", value=user, message="is not a user's name", accepted=accepted))
    if not scopes:
        problems.append(
            FieldProblem(field="scope", value=[], message="a token must allow something", accepted="one scope or more")
        )
    if ("device" in scopes) != (device is not None):
        message = "goes with the scope 'device', and that with it"
        accepted = "both, or neither: a device's token speaks for one device"
        problems.append(FieldProblem(field="device", value=device, message=message, accepted=accepted))
    elif device is not None and (device == "any" or not _fits(_DEVICE, device)):
        accepted = "lower-case letters, digits and . _ -; not 'any'"
        problems.append(FieldProblem(field="device", value=device, message="is not a device's name", accepted=accepted))
    if problems:
        raise InvalidSpecError(problems)


def _fits(type_: TypeAdapter[str], value: str) -> bool:
    try:
        type_.validate_python(value)
    except ValidationError:
        return False
    return True


def _view(row: TokenRow) -> TokenView:
    return TokenView(**{name: getattr(row, name) for name in TokenView.model_fields})
