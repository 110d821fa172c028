"""Encrypts secrets that the database has to keep, with a key that it does not have: a stolen backup is not enough.

Fernet (AES-128 in CBC mode with HMAC-SHA256, of the library `cryptography`), with a key derived from the setting
``webhook_key``, which is any long random text. Without the setting, secrets are stored as they are.
"""

import base64
import hashlib

from cryptography.fernet import Fernet, InvalidToken
from pydantic import SecretStr

from edgepress_common.errors import EdgepressError

_PREFIX = "sealed:"  # no secret of before begins like this by chance: it has a colon, and is followed by base64


class WrongKeyError(EdgepressError):
    """A secret was encrypted with another key than the one that is set."""


class SecretBox:
    """Seals and opens secrets.

    Args:
        key: The key; None to store secrets as they are.
    """

    def __init__(self, key: SecretStr | None) -> None:
        digest = None if key is None else hashlib.sha256(key.get_secret_value().encode()).digest()
        self._cipher = None if digest is None else Fernet(base64.urlsafe_b64encode(digest))

    def seal(self, secret: str) -> str:
        """Return what to store."""
        return secret if self._cipher is None else _PREFIX + self._cipher.encrypt(secret.encode()).decode()

    def open(self, stored: str) -> str:
        """Return the secret that was stored, encrypted or not.

        Raises:
            WrongKeyError: It was encrypted with another key.
        """
        if not stored.startswith(_PREFIX):
            return stored
        try:
            if self._cipher is not None:
                return self._cipher.decrypt(stored.removeprefix(_PREFIX).encode()).decode()
        except InvalidToken:
            pass
        raise WrongKeyError("the secret was encrypted with another key; accepted: the EDGEPRESS_WEBHOOK_KEY of before")

    def needs_sealing(self, stored: str) -> bool:
        """Return whether a stored secret is plain, and there is a key."""
        return self._cipher is not None and not stored.startswith(_PREFIX)
