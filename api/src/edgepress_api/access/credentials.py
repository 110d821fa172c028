"""What a token looks like, and what is kept of it.

``edgepress_<id>_<secret>``: the id finds the row, the secret is 256 random bits. A digest that is quick to compute is
enough for a secret that nobody can guess; a slow one is for passwords, which people choose.
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
        """What is kept: SHA-256 in hex."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    def matches(self, digest: str | None) -> bool:
        """Whether a digest that was kept is this one's, in a time that tells nothing; None is of no token."""
        return hmac.compare_digest(self.digest, digest or "0" * 64)


def new_credential() -> Credential:
    """One that nobody has."""
    id_ = secrets.token_hex(_ID_BYTES)
    return Credential(id_, f"edgepress_{id_}_{secrets.token_hex(_SECRET_BYTES)}")


def read_credential(text: str) -> Credential | None:
    """A token as it was sent; None if it is of another form."""
    match = _FORM.fullmatch(text)
    return None if match is None else Credential(match["id"], text)
