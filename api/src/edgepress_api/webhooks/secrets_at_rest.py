"""Encrypts the webhook secrets that were stored before there was a key."""

from sqlalchemy import select

from edgepress_api.access.sealing import SecretBox
from edgepress_api.database import Database, WebhookRow


def seal_stored_secrets(database: Database, box: SecretBox) -> int:
    """Encrypt every secret that is stored as it is, if there is a key; return how many there were."""
    with database.write() as session:
        plain = [row for row in session.scalars(select(WebhookRow)) if box.needs_sealing(row.secret)]
        for row in plain:
            row.secret = box.seal(row.secret)
        return len(plain)
