"""Signs what is posted, as Standard Webhooks (https://www.standardwebhooks.com) has it: libraries can check it.

HMAC-SHA256 over id, moment and body. The moment is signed too: a word that somebody has overheard can't be said again
later without the receiver noticing.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime

_PREFIX = "whsec_"


def signed_headers(secret: str, word_id: str, now: datetime, body: bytes) -> Mapping[str, str]:
    """Headers that show that who posts knows the secret.

    Args:
        secret: Shared with the receiver.
        word_id: The same for every try to say the same.
        now: The moment.
        body: What is posted.
    """
    moment = str(int(now.timestamp()))
    message = f"{word_id}.{moment}.".encode() + body
    digest = hmac.new(_key(secret), message, hashlib.sha256).digest()
    return {
        "webhook-id": word_id,
        "webhook-timestamp": moment,
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }


def _key(secret: str) -> bytes:
    if secret.startswith(_PREFIX):
        try:
            return base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
        except binascii.Error:
            pass  # it only begins like one: as it is, then
    return secret.encode()
