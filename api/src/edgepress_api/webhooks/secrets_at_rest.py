"""Encrypts the secrets of webhooks and recipients that were stored before there was a key."""

from sqlalchemy import select

from edgepress_api.access.sealing import SecretBox
from edgepress_api.database import Database, NotificationRow, RecipientRow, WebhookRow


def seal_stored_secrets(database: Database, box: SecretBox) -> int:
    """Encrypt every secret that is stored as it is, if there is a key; return how many there were."""
    with database.write() as session:
        rows = (
            *session.scalars(select(WebhookRow)),
            *session.scalars(select(RecipientRow)),
            *session.scalars(select(NotificationRow)),
        )
        plain = [row for row in rows if box.needs_sealing(row.secret)]
        for row in plain:
            row.secret = box.seal(row.secret)
        return len(plain)
