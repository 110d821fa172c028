"""Signs deliveries by Standard Webhooks (https://www.standardwebhooks.com), which libraries can verify.

HMAC-SHA256 over id, time and body. The time is signed too: an attacker can't send a recorded delivery again later
without the receiver noticing.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime

_PREFIX = "whsec_"


def signed_headers(secret: str, word_id: str, now: datetime, body: bytes) -> Mapping[str, str]:
    """Return headers that prove that the sender knows the secret.

    Args:
        secret: Secret that is shared with the receiver.
        word_id: Id of the delivery, the same for every try.
        now: The current time.
        body: Body of the request.
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
