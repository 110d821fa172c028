"""The format of a token, and the digest of it that is stored.

``edgepress_<id>_<secret>``: the id finds the row, the secret is 256 random bits. A fast digest is enough
for a secret that can't be guessed; a slow one is for passwords, which people choose.
"""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass

_ID_BYTES = 6
_SECRET_BYTES = 32
_FORM = re.compile(r"edgepress_(?P<id>[0-9a-f]{12})_(?P<secret>[0-9a-f]{64})")


@dataclass(frozen=True)
class Credential:
    """A token in full. Neither `repr` nor `str` shows it.

    Attributes:
        id: Public: lists show it, and it is what a token is revoked by.
        text: What is sent.
    """

    id: str
    text: str

    def __repr__(self) -> str:
        return f"Credential({self.id})"

    @property
    def digest(self) -> str:
        """The digest that is stored: SHA-256 in hex."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    def matches(self, digest: str | None) -> bool:
        """Return whether a stored digest, if there is one, is that of this token, in constant time."""
        return hmac.compare_digest(self.digest, digest or "0" * 64)


def new_credential() -> Credential:
    """Return a new, random credential."""
    id_ = secrets.token_hex(_ID_BYTES)
    return Credential(id_, f"edgepress_{id_}_{secrets.token_hex(_SECRET_BYTES)}")


def read_credential(text: str) -> Credential | None:
    """Return the credential in a text that a client sent; None if it has another format."""
    match = _FORM.fullmatch(text)
    return None if match is None else Credential(match["id"], text)
